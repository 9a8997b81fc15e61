/** A mail as the ledger knows it: that it went out, when, under which message id; never to whom or what it said. Pure. */
import { createHash } from 'node:crypto';
import { declareEvents, type NewEvent, type StoredEvent } from '#ledger';

declareEvents('MailBegun.v1', 'MailSent.v1', 'MailDeferred.v1', 'MailRefused.v1');

/** One stream a mail; the caller's key holds ids only, and is hashed so that a careless one cannot tell anything either. */
export function mailStream(key: string): string {
  return `mail/${sha256(key).slice(0, 40)}`;
}

/** How far a mail has come. `open`: nobody is sending it. `begun`: an attempt is under way, or its process died. */
export type MailState =
  { kind: 'begun'; version: number; at: Date } | { kind: 'open' | 'sent' | 'refused'; version: number };

export function mailState(events: readonly StoredEvent[]): MailState {
  const last = events.at(-1);
  if (!last) return { kind: 'open', version: 0 };
  const { version, type, recordedAt } = last;
  if (type === 'MailSent.v1') return { kind: 'sent', version };
  if (type === 'MailRefused.v1') return { kind: 'refused', version };
  if (type === 'MailDeferred.v1') return { kind: 'open', version };
  return { kind: 'begun', version, at: new Date(recordedAt) };
}

export function mailBegun(key: string): NewEvent {
  return { stream: mailStream(key), type: 'MailBegun.v1', data: {} };
}

export function mailDeferred(key: string): NewEvent {
  return { stream: mailStream(key), type: 'MailDeferred.v1', data: {} };
}

/** Proof of sending: whoever has the mail can hash its Message-ID and find it here. */
export function mailSent(key: string, messageId: string, reply: number): NewEvent {
  const data = { messageIdHash: `sha256:${sha256(messageId)}`, serverReply: reply };
  return { stream: mailStream(key), type: 'MailSent.v1', data };
}

export function mailRefused(key: string, reply: number): NewEvent {
  return { stream: mailStream(key), type: 'MailRefused.v1', data: { serverReply: reply } };
}

/** The same for every attempt, so that a mailbox that got two copies can tell that they are one (RFC 5322 section 3.6.4). */
export function messageIdOf(tenant: string, key: string, domain: string): string {
  return `<${sha256(`${tenant}|${key}`).slice(0, 40)}@${domain}>`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
