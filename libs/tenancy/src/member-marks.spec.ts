/** The marks of a member meet what a case holds, however either is spelt, and those of before stay what they were. */
import { describe, expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import type { Database } from '#ledger';
import type { KeyProvider } from '#platform';
import { MemberMarks } from './member-marks.js';

const keys = { mac: (_tenant: string, _use: string, text: string) => Buffer.from(text) } as unknown as KeyProvider;
const marks = new MemberMarks({} as Database, keys);
const of = (type: string, value: string): string[] =>
  marks.of('t' as TenantId, { type, value }).map(({ mark }) => mark.toString());

describe('the marks of an identifier', () => {
  it.each([
    ['email', ' Olga.O@Example.test', ['mark|email|olga.o@example.test']],
    ['email', 'Ida@B\u00fccher.test', ['mark|email|ida@b\u00fccher.test', 'mark|email|ida@xn--bcher-kva.test']],
    ['phone', '+49 30-123456', ['mark|phone|+4930-123456', 'mark|phone|+4930123456', 'mark|phone|0123456']],
    ['phone', '004930123456', ['mark|phone|004930123456', 'mark|phone|+4930123456', 'mark|phone|0123456']],
    ['customerId', 'C-17', ['mark|customerId|c-17']],
  ])('of type %s: %j', (type, value, texts) => {
    expect(of(type, value)).toEqual(texts);
  });

  it('are as given when its type cannot read it: nobody is refused for it', () => {
    expect(of('email', 'Olga at home')).toEqual(['mark|email|olgaathome']);
    expect(of('phone', 'unknown')).toEqual(['mark|phone|unknown']);
  });

  it.each([
    ['030 123456', '+49 30 123456'],
    ['0171/2345678', '00491712345678'],
    ['(0)171 23 45 678', '0171-2345678'],
  ])('of a national number meet those of the same line in another spelling: %s and %s', (one, other) => {
    expect(of('phone', one).some((mark) => of('phone', other).includes(mark))).toBe(true);
    expect(of('phone', one).some((mark) => of('phone', '+49 30 654321').includes(mark))).toBe(false);
  });
});
