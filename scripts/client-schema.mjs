// The text of libs/client/src/schema.ts for an OpenAPI document; the spec that holds the two together uses it as well.
import openapiTS, { astToString } from 'openapi-typescript';

const header = '/** Generated from /openapi.json by `npm run client`; do not edit. */\n';

/** @param {object} document the parsed `/openapi.json` */
export async function clientSchema(document) {
  return header + astToString(await openapiTS(structuredClone(document)));
}
