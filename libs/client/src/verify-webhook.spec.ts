/** Mistakes of whoever calls the verification, told apart from calls that are refused. */
import { describe, expect, it } from '@jest/globals';
import { verifyWebhook, WebhookRefused } from './verify-webhook.js';

const now = 1_700_000_000_000;
const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': '1700000000', 'webhook-signature': 'v1,AAAA' };

describe('verifying a webhook', () => {
  it('says that it needs the raw body when it is given a parsed one', async () => {
    const call = { headers, body: { type: 'consent.changed' } as never };
    await expect(verifyWebhook(call, { secret: 'whsec_AAAA', now })).rejects.toThrow(/give the raw body/);
  });

  it.each([{ secrets: ['whsec_AAAA'] }, { secret: [] }])('says how secrets are given: %j', async (options) => {
    const verified = verifyWebhook({ headers, body: '{}' }, { ...options, now } as never);
    await expect(verified).rejects.toThrow(/give `secret`/);
  });

  it('refuses a call with another signature', async () => {
    const verified = verifyWebhook({ headers, body: '{}' }, { secret: ['whsec_AAAA', 'whsec_BBBB'], now });
    await expect(verified).rejects.toThrow(WebhookRefused);
  });
});
