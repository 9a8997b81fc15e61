/** What may stand open in the ledger for ever is a code; and a refusal says where and what to do, never what was sent. */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { DomainError } from '#kernel';
import { Instant, OpenCode, validationPipe } from './validation.js';

describe('a code', () => {
  it.each([
    ...['read', 'export.csv', 'marketing-email', 'Marketing_2', '2', 'crm:contact-id', 'dpv:ServiceProvision'],
    ...['$everything', '_history', 'urn:oid:2.16.840.1.113883.5.8|TREAT'],
    ...['https://w3id.org/dpv#Marketing', 'http://www.w3.org/ns/odrl/2/use', 'urn:example:purpose:7'],
  ])('may be %s', (text) => {
    expect(OpenCode(50).parse(text)).toBe(text);
  });

  it.each([
    ...[
      '',
      'ada@example.test',
      'mailto:ada@example.test',
      'ada%40example.test',
      'read all',
      ' read',
      'read\n',
      '+4930123',
    ],
    ...[
      'read\0',
      're\u00a0ad',
      'Zo\u00eb',
      're\u200bad',
      'https://example.test/?name=ada',
      '#read',
      '|read',
      'a'.repeat(51),
    ],
  ])('is not %j', (text) => {
    expect(OpenCode(50).safeParse(text).success).toBe(false);
  });
});

describe('what does not match a schema', () => {
  const schema = z
    .strictObject({
      type: z.enum(['erasure', 'access']),
      subject: z.strictObject({ id: z.uuid() }).optional(),
      subjectId: z.uuid().optional(),
      code: OpenCode(10).optional(),
      at: Instant.optional(),
      list: z.array(z.string().max(3)).max(2).optional(),
    })
    .refine((body) => body.subject !== undefined || body.subjectId !== undefined, {
      path: ['subject'],
      error: 'Either subject or subjectId.',
    });
  const refused = (value: unknown, type: 'body' | 'query' | 'param' = 'body', data?: string): DomainError => {
    const of = type === 'param' ? z.uuid() : schema;
    try {
      validationPipe().transform(value, { type, data, schema: of } as never);
    } catch (error) {
      return error as DomainError;
    }
    throw new Error('was taken');
  };
  const places = (error: DomainError): string[] =>
    (error.details.errors ?? []).map((one) => `${one.pointer} ${one.code}`);

  it.each([
    ['nothing at all', undefined, ['/type required']],
    ['an object without members', {}, ['/type required']],
    ['neither of two of which one is needed', { type: 'access' }, ['/subject required']],
    ['a member inside is missing', { type: 'access', subject: {} }, ['/subject/id required']],
    ['a wrong word', { type: 'Ada' }, ['/type invalid-value']],
    ['a wrong type', { type: 'access', subject: 'Ada' }, ['/subject invalid-type']],
    [
      'a wrong format',
      { type: 'access', subjectId: 'Ada', code: 'A da' },
      ['/subjectId invalid-format', '/code invalid-format'],
    ],
    ['a time without offset', { type: 'access', at: 'Ada' }, ['/at invalid-format']],
    ['too long', { type: 'access', list: ['Ada', 'Ada.'] }, ['/list/1 too-big']],
    ['a member nobody knows', { type: 'access', subjectId: crypto.randomUUID(), subjct: 'Ada' }, [' unknown-member']],
    [
      'a member whose name may be somebody',
      { type: 'access', subjectId: crypto.randomUUID(), 'Ada@example.test': 1, Ada: 2 },
      [' unknown-member'],
    ],
  ])('%s is named by its place, with a code and a sentence that repeats nothing', (_, body, expected) => {
    const error = refused(body);
    expect(places(error)).toEqual(expect.arrayContaining(expected));
    for (const { detail } of error.details.errors ?? []) expect(detail).toMatch(/^[A-Z].{5,}/);
    expect(JSON.stringify(error.details)).not.toMatch(/Ada|A da|subjct/);
  });

  it('is called what it is: body, query or path, which is named by its parameter', () => {
    expect(refused({}).details.detail).toMatch(/^The body /);
    expect(refused({}, 'query').details.detail).toMatch(/^The query /);
    const path = refused('Ada', 'param', 'id');
    expect([path.details.detail, places(path)]).toEqual([expect.stringMatching(/^The path /), ['/id invalid-format']]);
  });

  it('is nothing for a body that is absent where every member may be', () => {
    const transform = validationPipe().transform.bind(validationPipe());
    const optional = z.strictObject({ fence: z.number().default(7) });
    expect(transform(undefined, { type: 'body', schema: optional } as never)).toEqual({ fence: 7 });
    expect(() => transform(null, { type: 'body', schema: optional } as never)).toThrow();
  });
});
