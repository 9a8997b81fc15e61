/** How a plugin, or the host on its behalf, fails: one error that names the plugin and its kind of failure. */
import type { Fail } from '@lethe/plugin-sdk';

/**
 * A call that did not come to its end. `fail` is what a job decides by: `transient` and `rate-limit` are tried again,
 * `auth` and `config` wait for a person, `permanent` and `bug` stop. `plugin` is `<id>@<version>`.
 * Code and message are free of personal data and of secrets.
 */
export class PluginFailure extends Error {
  constructor(
    readonly fail: Fail,
    message: string,
    readonly plugin: string,
  ) {
    super(message);
    this.name = 'PluginFailure';
  }
}

const SAYINGS = {
  'plugin-exited': ['transient', 'ended in the middle of its work; the same call may be tried again'],
  'plugin-start-failed': ['transient', 'did not say hello in time; look at its log'],
  'plugin-broken': ['bug', 'could not be loaded; look at its log'],
  'spawner-failed': [
    'transient',
    'was not started, because the process that starts plugins could not; it is tried again',
  ],
  'spawner-ended': ['transient', 'ended with the process that starts plugins; the same call may be tried again'],
  'deadline-exceeded': ['transient', 'did not answer before the deadline'],
  'plugin-stuck': ['transient', 'did not stop when it was told to and was ended by force'],
  aborted: ['transient', 'was told to stop'],
  'host-closed': ['transient', 'cannot be called while the server stops'],
  'connection-disabled': ['config', 'is disabled for this connection; enable the connection first'],
  'secrets-unreadable': ['config', 'cannot be started, because its secrets can no longer be opened; enter all of them'],
  'memory-limit': ['bug', 'used more memory than its manifest allows and was stopped'],
  'protocol-violation': ['bug', 'broke the protocol and was stopped'],
  'plugin-mismatch': ['bug', 'says another id, version or protocol than its manifest'],
  'plugin-quarantined': ['bug', 'failed too often and is quarantined; look at its log, then clear the quarantine'],
  'isolation-too-weak': [
    'config',
    'would run at a weaker isolation than LETHE_MIN_ISOLATION demands, and was not started',
  ],
  'plugin-tampered': ['permanent', 'has files that differ from the installed hash; install it again'],
  'call-too-large': ['permanent', 'cannot be sent a call above 16 MiB; ask for fewer items'],
  'invalid-answer': ['bug', 'gave an answer outside the contract'],
  'too-many-answers': ['bug', 'gave more answers than one call may have'],
  'no-answer': ['bug', 'gave no answer'],
  'foreign-dataset': ['bug', 'answered for a dataset that this connection does not have'],
  'foreign-item': ['bug', 'answered for an item that was not asked'],
  'foreign-record': ['bug', 'answered for a record that was not asked'],
  'foreign-rule': ['bug', 'cites a rule that the plan does not name'],
  'duplicate-outcome': ['bug', 'gave two outcomes for one record'],
  'no-verification': ['bug', 'left a dataset without a verification'],
} as const satisfies Record<string, readonly [Fail['class'], string]>;

/** The host's own codes. */
export type HostFailureCode = keyof typeof SAYINGS;

/** Whether the plugin itself is to blame, and its restart budget pays. */
export function isPlugins({ fail }: PluginFailure): boolean {
  return fail.code !== 'spawner-failed' && fail.code !== 'spawner-ended';
}

/** A failure the host itself states, with its fixed class and sentence. `detail` must be free of personal data. */
export function hostFailure(code: HostFailureCode, plugin: string, detail = ''): PluginFailure {
  const [kind, saying] = SAYINGS[code];
  const more = detail === '' ? '' : ` (${detail})`;
  return new PluginFailure({ class: kind, code }, `The plugin ${plugin} ${saying}${more}.`, plugin);
}
