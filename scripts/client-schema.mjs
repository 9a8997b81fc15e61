// The text of libs/client/src/schema.ts for an OpenAPI document; the spec that holds the two together uses it as well.
import openapiTS, { astToString } from 'openapi-typescript';

const header = '/** Generated from /openapi.json by `npm run client`; do not edit. */\n';

/** @param {object} document the parsed `/openapi.json` */
export async function clientSchema(document) {
  const typed = structuredClone(document);
  // The client sends a key of its own with every POST that brings none.
  for (const operation of Object.values(typed.paths).flatMap((methods) => Object.values(methods))) {
    for (const one of operation.parameters ?? []) if (one.name === 'Idempotency-Key') one.required = false;
    // For the reader of the page; a type has its name.
    delete operation.summary;
  }
  return header + astToString(await openapiTS(typed));
}
