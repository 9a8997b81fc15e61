/** What may stand open in the ledger for ever is a code: it has room for a vocabulary, none for words or an address. */
import { describe, expect, it } from '@jest/globals';
import { OpenCode } from './validation.js';

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
