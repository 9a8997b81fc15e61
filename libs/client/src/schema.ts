export interface paths { '/v1/consents/check': { post: { requestBody: { content: { 'application/json': Record<string, unknown> } }; responses: { 200: { content: { 'application/json': { decision: string } } } } } } }
export type components = Record<string, never>;
export type operations = Record<string, never>;
