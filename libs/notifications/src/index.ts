/** The door of notifications. */
export { NotificationsModule } from './notifications.module.js';
export { SmtpMailer } from './smtp-mailer.js';
