import { z } from 'zod'
import { aliasRecordSchema } from '../../core/attestation/alias-record.ts'
import { manifestSchema } from '../../core/release/manifest.ts'
import { CSRF_HEADER } from './auth.ts'
import { LOOPBACK_COOKIE, SECURE_COOKIE } from './cookies.ts'
import { type Operation, operations } from './operations.ts'

type Json = { readonly [key: string]: unknown }

/** Bodies of answers and requests that stand in the document by name. */
const named: Readonly<Record<string, z.ZodType>> = {
  Manifest: manifestSchema,
  AliasRecord: aliasRecordSchema,
  DsseEnvelope: z.object({
    payload: z.string().describe('base64'),
    payloadType: z.string(),
    signatures: z.array(z.object({ sig: z.string().describe('base64'), keyid: z.string().optional() })).min(1),
  }),
  Error: z.object({
    error: z.object({ code: z.string().describe('see errors.md'), message: z.string(), hint: z.string().optional() }),
  }),
}

/** The HTTP API as an OpenAPI 3.1 document, out of the table of operations and the schemas that check what comes. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:([a-z]+)/g, '{$1}').replace('*', '{path}')
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: operationOf(operation) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Parley coordinator', version, license: { name: 'Apache-2.0' } },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, jsonSchema(schema)])),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'a member’s API token, `parley_…`, or the key of the machine’s owner',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: SECURE_COOKIE,
          description: `a browser’s session, from POST /v1/session; without TLS on the loopback interface the cookie is ${LOOPBACK_COOKIE}. What changes something also needs the header ${CSRF_HEADER} and an Origin of this server.`,
        },
      },
    },
  }
}

function operationOf({ method, path, summary, access, query = [], request, answer, status = 200 }: Operation): Json {
  const inPath = [...path.matchAll(/:([a-z]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const rest = path.includes('*') ? [{ name: 'path', in: 'path', required: true, schema: { type: 'string' } }] : []
  const inQuery = query.map((name) => ({ name, in: 'query', schema: { type: 'string' } }))
  const failure = {
    description: 'refused, with a code of errors.md',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  }
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z]+([A-Za-z]?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    // The permission stands where OpenAPI 3.1 has the names of roles.
    ...(access === 'public' ? {} : { security: [{ token: [access] }, { session: [access] }] }),
    parameters: [...inPath, ...rest, ...inQuery],
    ...(request === undefined
      ? {}
      : { requestBody: { required: true, content: { [request.type]: { schema: schemaOf(request.schema) } } } }),
    responses: {
      [status]: { description: summary, content: { [answer.type]: { schema: schemaOf(answer.schema) } } },
      default: failure,
    },
  }
}

function schemaOf(schema: z.ZodType | string | undefined): Json {
  if (schema === undefined) return {}
  return typeof schema === 'string' ? { $ref: `#/components/schemas/${schema}` } : jsonSchema(schema)
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json
  return rest
}
