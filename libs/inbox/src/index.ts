/** The door of the inbox: work for connected systems that run no plugin here, pulled by them or pushed to them. */
export { InboxModule } from './inbox.module.js';
export { inboxMigrations } from './inbox.migrations.js';
