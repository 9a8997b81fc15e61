/** Wires mail: the one `Mailer` that domains below are given. */
import { Global, Module } from '@nestjs/common';
import { Mailer } from '#requests';
import { SmtpMailer } from './smtp-mailer.js';

/** Global, because the port lies below its implementation: requests ask for a `Mailer` without knowing this domain. */
@Global()
@Module({
  providers: [SmtpMailer, { provide: Mailer, useExisting: SmtpMailer }],
  exports: [Mailer],
})
export class NotificationsModule {}
