/** The door of the client: typed calls, tasks of the inbox, webhooks verified. */
export { createLetheClient, LetheProblem, type ClientOptions, type LetheClient } from './client.js';
export { HeldTask, type TaskStanding } from './held-task.js';
export { may, type MayOptions } from './may.js';
export {
  checkPassed,
  receiveTask,
  taskDone,
  taskTakenOn,
  type PushedTask,
  type ReceivedTask,
  type TaskReply,
} from './receive-task.js';
export type { components, operations, paths } from './schema.js';
export type { ClaimedTask, ReportedOutcome, TaskAnswer, TaskOutcome, TaskRecord } from './task-types.js';
export { tasks, workTasks, type TaskHandler, type WorkerOptions } from './tasks.js';
export {
  verifyWebhook,
  WebhookRefused,
  type SignedCall,
  type VerifiedWebhook,
  type VerifyOptions,
} from './verify-webhook.js';
