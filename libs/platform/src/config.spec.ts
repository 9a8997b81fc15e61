/** What an environment is refused for: by the setting's name, with what is expected, and never with what was given. */
import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.js';

describe('an environment that cannot be meant', () => {
  const refused: [string, Record<string, string>, RegExp][] = [
    ['an unknown name', { LETHE_PROT: '1' }, /unknown setting LETHE_PROT/],
    ['a database of another kind', { DATABASE_URL: 'mysql://hidden@db/lethe' }, /DATABASE_URL \(expected postgres:/],
    [
      'a key store of another kind',
      { LETHE_KEYSTORE_URL: 'https://hidden' },
      /LETHE_KEYSTORE_URL \(expected postgres:/,
    ],
    ['a mail server by HTTP', { LETHE_SMTP_URL: 'http://hidden' }, /LETHE_SMTP_URL \(expected smtp:/],
    ['a collector without HTTP', { OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://hidden' }, /ENDPOINT \(expected http:/],
    ['no name of a migration', { LETHE_ACCEPT_SCHEMA: 'hidden' }, /LETHE_ACCEPT_SCHEMA.* \(expected migrations/],
    ['one port for two', { PORT: '8080', LETHE_ADMIN_PORT: '8080' }, /LETHE_ADMIN_PORT must be another port/],
  ];

  it.each(refused)('is refused: %s', (_, environment, words) => {
    expect(() => readConfig(environment)).toThrow(words);
    expect(() => readConfig(environment)).not.toThrow(/hidden/);
  });

  it('(control) is not what names them rightly', () => {
    const database = 'postgresql:///lethe?host=/run/postgresql';
    const right = {
      DATABASE_URL: database,
      LETHE_SMTP_URL: 'smtps://mail',
      LETHE_ACCEPT_SCHEMA: '9001-later, 9002-b2',
    };
    expect(readConfig({ ...right, PORT: '0', LETHE_ADMIN_PORT: '0' })).toMatchObject({
      DATABASE_URL: database,
      LETHE_ACCEPT_SCHEMA: ['9001-later', '9002-b2'],
    });
  });
});
