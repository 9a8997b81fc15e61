/** What a person hears from the privacy office: over a real mail server, once, to the right mailbox, and kept sealed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { byEmail, closed } from '../support/connected-systems.js';
import { startMailServer, type MailServer, type ReceivedMail } from '../support/mail-server.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

describe('answers to a person', () => {
  let lethe: TestServer;
  let mail: MailServer;

  beforeAll(async () => {
    mail = await startMailServer();
    lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z'), environment: { LETHE_SMTP_URL: mail.url } });
  }, 60_000);
  afterAll(async () => {
    await lethe.close();
    await mail.close();
  });

  async function open(type: string, mailbox: string, more: Record<string, unknown> = {}): Promise<TestAnswer['body']> {
    const body = {
      type,
      regimes: ['eu-gdpr'],
      territory: 'DE-BE',
      channel: 'mail',
      subject: { identifiers: [byEmail(mailbox)] },
      ...more,
    };
    const opened = await lethe.post('/v1/requests', body);
    expect(opened).toMatchObject({ status: 201 });
    return opened.body;
  }

  /** Mails to one mailbox, once there are so many. */
  async function mailsTo(mailbox: string, count: number): Promise<ReceivedMail[]> {
    for (let tries = 0; tries < 100; tries += 1) {
      const found = mail.inbox.filter((one) => one.to.includes(mailbox));
      if (found.length >= count) return found;
      await sleep(50);
    }
    throw new Error(`only ${mail.inbox.filter((one) => one.to.includes(mailbox)).length} mails came`);
  }

  it('begin with a receipt that names the day of the answer', async () => {
    const { dueOn } = await open('access', 'receipt@example.test');
    const [receipt] = await mailsTo('receipt@example.test', 1);
    expect(receipt?.text).toContain(`You will have our answer by ${dueOn}`);
    expect(receipt?.raw).toContain('Auto-Submitted: auto-generated');
  });

  it('carry a code that proves the mailbox, and only the right one', async () => {
    const { id } = await open('access', 'coded@example.test');
    const sent = await lethe.post(`/v1/requests/${id}/verification-codes`, {
      identifier: byEmail('coded@example.test'),
    });
    expect(sent.status).toBe(201);
    const mails = await mailsTo('coded@example.test', 2);
    const code =
      mails.map(({ text }) => /\b(\d{6,8})\b is|code is (\d{6,8})/.exec(text)?.slice(1).find(Boolean)).find(Boolean) ??
      '';
    const prove = (text: string) =>
      lethe.post(`/v1/requests/${id}/identify`, {
        identifier: byEmail('coded@example.test'),
        method: 'code',
        code: text,
      });
    const wrong = String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0');
    expect((await prove(wrong)).body.code).toBe('verification-code-invalid');
    expect((await prove(code)).body).toMatchObject({ status: 'deciding' });
    const { rows } = await lethe.superuser.query('SELECT type FROM event WHERE bytes LIKE $1', [`%${code}%`]);
    expect(rows).toEqual([]);
  });

  it('refuse with reason, clause, complaint and court, and are kept to be read again', async () => {
    const { id } = await open('erasure', 'refused@example.test');
    // A refusal within the same second could overtake it.
    await mailsTo('refused@example.test', 1);
    await lethe.post(`/v1/requests/${id}/identify`, {
      identifier: byEmail('refused@example.test'),
      method: 'attest',
      note: 'Known.',
    });
    const reason = 'A lawsuit between us is pending <b>here</b>.';
    expect((await lethe.post(`/v1/requests/${id}/refuse`, { reason, exception: 'gdpr-17-3-e' })).status).toBe(200);
    await closed(lethe, id);
    const last = (await mailsTo('refused@example.test', 2)).at(-1);
    for (const words of ['A lawsuit', 'GDPR art. 17(3)(e)', 'Berliner Beauftragte', 'go to court'])
      expect(last?.text).toContain(words);
    const { body } = await lethe.get(`/v1/requests/${id}/answers`, { as: 'auditor' });
    expect(body.items.map((one: TestAnswer['body']) => [one.kind, one.channel])).toEqual([
      ['acknowledgement', 'mail'],
      ['refusal', 'mail'],
    ]);
    const page = await lethe.get(`/v1/requests/${id}/answers/2?format=html`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain(`default-src 'none'; style-src 'unsafe-inline'`);
    expect(page.body).not.toContain('<b>here');
    expect((await lethe.get(`/v1/requests/${id}/answers/3`)).status).toBe(404);
    const reads = await lethe.post('/v1/access-log/search', { source: 'lethe', purpose: 'request.answer' });
    expect(reads.body.items).toHaveLength(1);
  });

  it('ask who it is once per key, and show before what they will say', async () => {
    const { id } = await open('erasure', 'doubt@example.test');
    await mailsTo('doubt@example.test', 1);
    const preview = await lethe.get(`/v1/requests/${id}/answers/preview?kind=identity-question&format=text`);
    expect(preview.body).toContain('we must be sure that the data are yours');
    const headers = { 'idempotency-key': 'ask-who-it-is-1' };
    for (let times = 0; times < 3; times += 1)
      expect((await lethe.post(`/v1/requests/${id}/answers`, { kind: 'identity-question' }, { headers })).status).toBe(
        201,
      );
    await sleep(300);
    expect(await mailsTo('doubt@example.test', 2)).toHaveLength(2);
    expect((await lethe.post(`/v1/requests/${id}/answers`, { kind: 'completion' })).status).toBe(400);
  });

  it('confirm an objection to the mailbox it came from, without proof', async () => {
    await lethe.put('/v1/purposes/marketing', {
      name: 'Marketing',
      legalBasis: 'legitimate-interest',
      model: 'opt-out',
    });
    await open('objection', 'stop@example.test');
    const mails = await mailsTo('stop@example.test', 1);
    expect(mails.at(-1)?.text).toContain('From now on we do not use your data');
    // The mark that keeps her out of the next imported list is personal data too, so she is told.
    expect(mails.at(-1)?.text?.replaceAll(/\s+/g, ' ')).toContain('an unreadable mark of your identifiers until 2036-');
  });

  it('leave neither mailbox nor words in the ledger, and one proof of sending each', async () => {
    const { rows } = await lethe.superuser.query(
      `SELECT type FROM event WHERE bytes ILIKE '%example.test%' OR bytes ILIKE '%lawsuit%'`,
    );
    expect(rows).toEqual([]);
    const sent = await lethe.superuser.query(`SELECT count(*)::int AS n FROM event WHERE type = 'MailSent.v1'`);
    expect(sent.rows[0].n).toBe(mail.inbox.length);
  });
});
