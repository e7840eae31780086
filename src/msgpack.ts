/** The door `millrace/msgpack`. */
export { msgpack } from './core/msgpack-codec.ts'
