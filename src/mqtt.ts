/** The door `millrace/mqtt`: MQTT 3.1.1 and 5. Needs the package mqtt. */
export { mqtt } from './connect/sinks/mqtt.ts'
export type { MqttSinkOptions } from './connect/sinks/mqtt.ts'
export { mqttSource } from './connect/sources/mqtt.ts'
export type { MqttPosition, MqttSourceOptions } from './connect/sources/mqtt.ts'
export type { MqttBrokerOptions } from './connect/mqtt/mqtt-options.ts'
export type { MqttPublish } from './connect/mqtt/subscription.ts'
export type { Secret } from './connect/secret.ts'
