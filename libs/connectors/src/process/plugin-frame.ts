/** The door for frames of a plugin: their outer shape, before anything in them is believed. */
import type { Json, PluginFrame } from '@lethe/plugin-sdk';
import { z } from 'zod';

const id = z.int().min(0);
/** Stable codes: kebab-case, so that no value of a record fits in. */
export const failCode = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
  .max(64);

/** Why a call failed, as a plugin may say it. */
export const fail = z.object({
  class: z.enum(['config', 'auth', 'rate-limit', 'transient', 'permanent', 'bug']),
  code: failCode,
  retryAfterMs: z
    .int()
    .min(0)
    .max(7 * 86_400_000)
    .exactOptional(),
});

/** Any JSON; whoever walks through its content asks `isPlainJson` first. */
export const json = z.custom<Json>((value) => value !== undefined);

/** Every frame a plugin may send. */
export const pluginFrame: z.ZodType<PluginFrame> = z.discriminatedUnion('t', [
  z.object({ t: z.literal('item'), id, value: json }),
  z.object({ t: z.literal('end'), id }),
  z.object({ t: z.literal('error'), id, fail, message: z.string().max(2000) }),
  z.object({
    t: z.literal('log'),
    id,
    level: z.enum(['info', 'warn']),
    message: z.string(),
    fields: z
      .record(z.string(), json)
      .refine((value) => isPlainJson(value))
      .exactOptional(),
  }),
  z.object({ t: z.literal('hello'), protocol: z.number(), id: z.string().max(100), version: z.string().max(100) }),
]);

const DEEPEST = 64;

/**
 * True for JSON without a member named `__proto__` (it would change an object's prototype where it is copied member by
 * member) and not deeper than 64 levels.
 */
export function isPlainJson(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === DEEPEST) return false;
  if (Array.isArray(value)) return value.every((member) => isPlainJson(member, depth + 1));
  return Object.keys(value).every(
    (key) => key !== '__proto__' && isPlainJson((value as Record<string, unknown>)[key], depth + 1),
  );
}
