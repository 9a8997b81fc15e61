// What is sent: complete HTTP/1.1 requests as text, each new person with an address and an idempotency key of their own.
import { randomBytes } from 'node:crypto';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const runId = randomBytes(6).toString('hex');
let count = 0;

function request(port, path, headers, body) {
  const lines = [`POST ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, 'content-type: application/json', ...headers];
  return `${lines.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** A consent as a shop's sign-up form sends it; everything but person and key is the same. */
export function consentOf(email) {
  return {
    subject: { identifiers: [{ type: 'email', value: email }] },
    decisions: [{ purpose: 'newsletter', decision: 'given' }],
    notice: { id: 'signup', version: '1' },
    method: 'web form',
    collectedAt: new Date().toISOString(),
    evidence: { page: '/newsletter', form: 'sign-up', wording: 'Yes, send me the newsletter.' },
  };
}

/** Address of one of the people that are there before a run. */
export const knownPerson = (index) => `person-${index}@example.test`;

function question(index) {
  return JSON.stringify({
    subject: { identifiers: [{ type: 'email', value: knownPerson(index) }] },
    purpose: 'newsletter',
  });
}

/** @type {Record<string, (port: number, settings: any) => () => string>} */
export const calls = {
  record(port, { key }) {
    return () => {
      count += 1;
      const headers = [`authorization: Bearer ${key}`, `idempotency-key: ${runId}-${count}`];
      return request(port, '/v1/consents', headers, JSON.stringify(consentOf(`new-${runId}-${count}@example.test`)));
    };
  },

  peerRecord(port) {
    return () => {
      const subjectId = `sub_${Array.from(randomBytes(22), (byte) => BASE58[byte % 58]).join('')}`;
      const preferences = { necessary: true, measurement: true, marketing: false };
      const where = { domain: 'example.com', jurisdiction: 'GDPR', jurisdictionModel: 'opt-in' };
      const body = { type: 'cookie_banner', subjectId, ...where, preferences, givenAt: Date.now() };
      return request(port, '/api/c15t/subjects', [], JSON.stringify(body));
    };
  },

  check(port, { path, key, people }) {
    const headers = key ? [`authorization: Bearer ${key}`] : [];
    return () => request(port, path, headers, question(Math.floor(Math.random() * people)));
  },
};
