/** Any JSON value at a door. */
import { z } from 'zod';
import type { Json } from '#kernel';

/** Bodies are parsed JSON already. `z.json()` is recursive, which makes a circular type of the generated client. */
export const JsonValue = z.unknown() as unknown as z.ZodType<Json>;
