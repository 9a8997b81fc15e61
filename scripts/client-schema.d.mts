// Types of the generator for the spec that imports it.

/** The text of libs/client/src/schema.ts for the parsed `/openapi.json`. */
export function clientSchema(document: object): Promise<string>;
