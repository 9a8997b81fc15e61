/** Mail against a real SMTP server in this process: once per key, proof without an address, and refusals told apart. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { newId, TestClock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations } from '#ledger';
import { readConfig, type Config } from '#platform';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { mailStream } from './mail.js';
import { SmtpMailer } from './smtp-mailer.js';

const person = 'ada.canary@example.test';
let db: TestDatabase;
let store: EventStore;
let tenant: TenantId;
let config: Config;
const clock = new TestClock(new Date('2026-11-02T08:00:00Z'));
const inbox: { to: string[]; raw: string }[] = [];
let verdict: { at: 'rcpt' | 'data'; code: number } | undefined;
let beforeAnswer: () => Promise<void> = async () => undefined;

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onRcptTo: (_, __, done) => done(verdict?.at === 'rcpt' ? refusal() : null),
  onData: (stream, session, done) => {
    let raw = '';
    stream.on('data', (chunk: Buffer) => (raw += chunk.toString()));
    stream.on('end', () => {
      if (verdict?.at === 'data') return done(refusal());
      inbox.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw });
      void beforeAnswer().then(() => done(null));
    });
  },
});

function refusal(): Error {
  return Object.assign(new Error(`no such user ${person}`), { responseCode: verdict?.code });
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  config = readConfig({ LETHE_SMTP_URL: `smtp://127.0.0.1:${port}` });
  db = await createTestDatabase(ledgerMigrations);
  store = new EventStore(db.database, clock);
  tenant = newId() as TenantId;
  await db.database.transaction(tenant, (query) => store.open(query, tenant, newId()));
});

afterAll(async () => {
  await new Promise<void>((resolve) => server.close(resolve));
  await store.drained();
  await db.drop();
});

afterEach(() => {
  verdict = undefined;
  beforeAnswer = async () => undefined;
  inbox.length = 0;
});

const mailer = (): SmtpMailer => new SmtpMailer(store, config, clock);
const aMail = (key: string = newId()) => ({
  tenant,
  to: person,
  subject: 'Your code',
  text: 'Your code is 123456.',
  key,
});

describe('a mail', () => {
  it('arrives once, however often its key is sent', async () => {
    const mail = aMail();
    await mailer().send(mail);
    await mailer().send(mail);
    expect(inbox).toHaveLength(1);
    expect(inbox[0]?.to).toEqual([person]);
    expect(inbox[0]?.raw).toContain('123456');
    expect(inbox[0]?.raw).toContain('Auto-Submitted: auto-generated');
    await mailer().send(aMail());
    expect(inbox).toHaveLength(2);
  });

  it('leaves a proof of sending that the mail itself confirms, and no address in any event', async () => {
    const mail = aMail();
    await mailer().send(mail);
    const [, sent] = await store.load(tenant, mailStream(mail.key));
    const messageId = /^Message-ID: (.+)$/im.exec(inbox[0]?.raw ?? '')?.[1]?.trim() ?? '';
    const hash = createHash('sha256').update(messageId).digest('hex');
    expect(sent).toMatchObject({ type: 'MailSent.v1', data: { messageIdHash: `sha256:${hash}`, serverReply: 250 } });
    const { rows } = await db.superuser.query<{ all: string }>(`SELECT string_agg(bytes, '') AS all FROM event`);
    expect(rows[0]?.all).not.toMatch(/canary|example\.test|123456/);
  });

  it('is not sent by two processes at once', async () => {
    const mail = aMail();
    beforeAnswer = async () => {
      await expect(mailer().send(mail)).rejects.toMatchObject({ code: 'mail-being-sent', status: 503 });
    };
    await mailer().send(mail);
    expect(inbox).toHaveLength(1);
  });

  it('whose process dies between the answer of the server and the record goes out again later, as the same message', async () => {
    const mail = aMail();
    const dying = Object.create(store) as EventStore;
    dying.append = (append) =>
      append.events[0]?.type === 'MailSent.v1' ? Promise.reject(new Error('killed')) : store.append(append);
    await expect(new SmtpMailer(dying, config, clock).send(mail)).rejects.toThrow('killed');
    await expect(mailer().send(mail)).rejects.toMatchObject({ code: 'mail-being-sent' });
    clock.advance(60_000);
    await mailer().send(mail);
    await mailer().send(mail);
    await mailer().send(aMail());
    const ids = inbox.map(({ raw }) => /^Message-ID: (.+)$/im.exec(raw)?.[1]);
    expect(ids).toHaveLength(3);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it('is not held back by an attempt that a clock dated ahead', async () => {
    const mail = aMail();
    const dying = Object.create(store) as EventStore;
    dying.append = (append) =>
      append.events[0]?.type === 'MailSent.v1' ? Promise.reject(new Error('killed')) : store.append(append);
    const now = clock.now();
    clock.advance(40 * 86_400_000);
    await expect(new SmtpMailer(dying, config, clock).send(mail)).rejects.toThrow('killed');
    clock.set(now);
    await mailer().send(mail);
    expect(inbox).toHaveLength(2);
  });

  it('that the server wants later can be sent again at once', async () => {
    const mail = aMail();
    verdict = { at: 'rcpt', code: 451 };
    const refused = mailer().send(mail);
    await expect(refused).rejects.toMatchObject({ code: 'mail-not-sent', status: 503 });
    await expect(refused).rejects.not.toThrow(person);
    verdict = undefined;
    await mailer().send(mail);
    expect(inbox).toHaveLength(1);
  });

  it('to a mailbox that is refused is refused for good, without asking the server again', async () => {
    const mail = aMail();
    verdict = { at: 'rcpt', code: 550 };
    await expect(mailer().send(mail)).rejects.toMatchObject({ code: 'mail-refused' });
    verdict = undefined;
    await expect(mailer().send(mail)).rejects.toMatchObject({ code: 'mail-refused' });
    expect(inbox).toHaveLength(0);
  });

  it.each(['a@example.test, b@example.test', 'a@example.test\nBcc: b@example.test', 'Ada <a@example.test>'])(
    'goes to one plain address only: %j',
    async (to) => {
      await expect(mailer().send({ ...aMail(), to })).rejects.toMatchObject({ code: 'mail-refused' });
      expect(inbox).toHaveLength(0);
    },
  );

  it('without a mail server answers 503 mail-unavailable and leaves nothing', async () => {
    const silent = new SmtpMailer(store, readConfig({}), clock);
    const mail = aMail();
    await expect(silent.send(mail)).rejects.toMatchObject({ code: 'mail-unavailable', status: 503 });
    expect(await store.load(tenant, mailStream(mail.key))).toEqual([]);
  });

  it('to a server that is down can be repeated', async () => {
    const down = new SmtpMailer(store, { ...config, LETHE_SMTP_URL: 'smtp://127.0.0.1:1' }, clock);
    await expect(down.send(aMail())).rejects.toMatchObject({ code: 'mail-not-sent' });
  });
});
