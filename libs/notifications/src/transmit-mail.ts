/** One attempt over SMTP. What the server says is reduced to a code: its text may repeat the address. */
import { createTransport } from 'nodemailer';

/** A mail as it goes out. */
export interface OutgoingMail {
  from: string;
  to: string;
  subject: string;
  text: string;
  messageId: string;
}

/** `sent`: the server answers for it now. `refused`: never to this mailbox, or never this mail. `later`: try again. */
export type Transmitted = { kind: 'sent' | 'refused'; reply: number } | { kind: 'later' };

/** Longest time for one attempt. */
export const PATIENCE_MS = 10_000;

/** The part behind the @ of a sender such as `Privacy office <privacy@example.test>`. */
export function domainOf(from: string): string {
  return /@([a-z0-9.-]+)/i.exec(from)?.[1] ?? 'localhost';
}

/** Never throws. A mailbox that is no plain address is refused here: it could name several, or end the header. */
export async function transmit(url: string, mail: OutgoingMail): Promise<Transmitted> {
  if (!/^[^\s@,;<>"]+@[^\s@,;<>"]+$/.test(mail.to)) return { kind: 'refused', reply: 553 };
  const transport = createTransport(url);
  const timer = setTimeout(() => transport.close(), PATIENCE_MS);
  try {
    const info = (await Promise.race([transport.sendMail(messageOf(mail)), patience()])) as { response?: string };
    return { kind: 'sent', reply: Number(info.response?.slice(0, 3)) || 250 };
  } catch (error) {
    return classify(error);
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

function messageOf({ from, to, subject, text, messageId }: OutgoingMail): Record<string, unknown> {
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    messageId,
    // RFC 3834: holiday notices must not answer, and lists must not take it for a person's mail.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function patience(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('the mail server took too long')), PATIENCE_MS).unref();
  });
}

function classify(error: unknown): Transmitted {
  const { code, responseCode = 0 } = error as { code?: string; responseCode?: number };
  const forGood = (code === 'EENVELOPE' || code === 'EMESSAGE') && responseCode >= 500;
  return forGood ? { kind: 'refused', reply: responseCode } : { kind: 'later' };
}
