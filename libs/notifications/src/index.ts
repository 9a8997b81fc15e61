/** The door of notifications: mail, by SMTP or as letters to print. */
export { NotificationsModule } from './notifications.module.js';
export { SmtpMailer } from './smtp-mailer.js';
