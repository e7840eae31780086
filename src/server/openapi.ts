/** The description of the API, made from what its requests are checked by (OpenAPI 3.1). */
import { jsonReply } from './described.ts'
import { type Route, route } from './route.ts'

export interface ApiInfo {
  readonly version: string
  readonly hasTokens: boolean
}

export function openApiRoute(others: readonly Route[], info: ApiInfo): Route {
  const own: Route = route({
    method: 'GET',
    path: '/openapi.json',
    name: 'openapi',
    summary: 'This description',
    params: {},
    replies: { 200: jsonReply('OpenAPI 3.1', { type: 'object' }) },
    handle: () => ({ status: 200, body: openApi([...others, own], info) }),
  })
  return own
}

export function openApi(routes: readonly Route[], { version, hasTokens }: ApiInfo): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const one of routes) {
    const { method, path } = one
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(one, hasTokens) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  }
}

function operation(one: Route, hasTokens: boolean): object {
  const { name, summary, params, body, replies, isOpen } = one
  return {
    operationId: name,
    summary,
    security: hasTokens && !isOpen ? [{ token: [] }] : [],
    parameters: Object.entries(params).map(([param, spec]) => ({
      name: param,
      in: spec.in,
      required: spec.required ?? false,
      description: spec.description,
      schema: spec.schema,
    })),
    ...(body === null ? {} : { requestBody: { required: true, ...body } }),
    responses: replies,
  }
}
