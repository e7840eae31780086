/**
 * The page: files that are open to whoever may ask at all. They hold nothing of the user's; what
 * they show comes from the other routes, with the token.
 */
import type { IncomingMessage } from 'node:http'
import { type PageFile, readPage } from './page-files.ts'
import { Refusal } from './refusal.ts'
import { type Reply, type Route, route } from './route.ts'

/** No script and no style but its own files; nothing from elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** @throws `file-not-found` where the page was not built */
export function pageRoutes(files: ReadonlyMap<string, PageFile> = readPage()): Route[] {
  const replies = {
    200: { description: 'A file', content: { 'text/html': { schema: { type: 'string' } } } },
  }
  const summary = 'The page'
  const shared = { method: 'GET', summary, replies, isOpen: true } as const
  return [
    route({
      ...shared,
      path: '/',
      name: 'page',
      params: {},
      handle: (_, { request }) => fileReply(files.get('index.html'), request, 'no-cache'),
    }),
    route({
      ...shared,
      path: '/assets/{file}',
      name: 'page-file',
      params: {
        file: {
          in: 'path',
          description: 'Name of the file',
          required: true,
          schema: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[\\w.-]+$' },
        },
      },
      // Its name has a hash of what is in it.
      handle: ({ file }, { request }) =>
        fileReply(files.get(`assets/${file}`), request, 'private, max-age=31536000, immutable'),
    }),
  ]
}

function fileReply(file: PageFile | undefined, request: IncomingMessage, keep: string): Reply {
  if (file === undefined) throw new Refusal(404, 'not-found', 'the page has no such file')
  const isPacked = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  return {
    status: 200,
    contentType: file.type,
    body: isPacked ? file.packed : file.bytes,
    headers: {
      'Cache-Control': keep,
      'Content-Security-Policy': policy,
      Vary: 'Accept-Encoding',
      ...(isPacked ? { 'Content-Encoding': 'gzip' } : {}),
    },
  }
}
