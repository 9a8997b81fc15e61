/** What the engine asks of its neighbours: ports, so that each side can be built and tested on its own. */
import type { JsonObject, SubjectId, TenantId } from '#kernel';
import type { NewEvent } from '#ledger';
import type { KeyClass } from '#subjects';
import type { DataRecord } from './step/connected.js';
import type { AnswerKind, RequestEventData } from './request.js';
import type { RequestState, StepState } from './request-state.js';

/** Sends mail; implemented by #notifications. Throws 503 `mail-unavailable` when no mail server is configured. */
export abstract class Mailer {
  /** `to` is a plain address and must not be logged. The text is final. */
  abstract send(mail: { tenant: TenantId; to: string; subject: string; text: string; key: string }): Promise<void>;
}

/** What writing an answer left behind: facts to append, or none when it was written before. */
export type AnswerSent = RequestEventData['AnswerSent.v1'];

/** Writes and sends (or prints) an answer. Called at least once per `key`; must not send the same answer twice. */
export abstract class AnswerWriter {
  abstract write(tenant: TenantId, request: RequestState, kind: AnswerKind, key: string): Promise<NewEvent[]>;
}

/** Signs the report of what was done and observed; called after the request is closed, and again when aftercare ended. */
export abstract class CertificateIssuer {
  abstract issue(tenant: TenantId, request: RequestState): Promise<NewEvent[]>;
}

/** Where the records of one step come from. */
export interface StepRecords {
  stepId: string;
  connectionId: string;
  connectionName: string;
  /** The key under which this person was asked about; a record under another one is another person's. */
  itemKey: string;
  records: AsyncIterable<DataRecord>;
}

/** Builds the access package. */
export abstract class PackageBuilder {
  /** Takes one step's records, sealed to disk or table; a repeated call for the step replaces what came before. Returns counts by dataset. */
  abstract collect(tenant: TenantId, request: RequestState, step: StepRecords): Promise<Record<string, number>>;
  /** Finished steps whose records are not where they were collected. */
  abstract lost(tenant: TenantId, request: RequestState): Promise<StepState[]>;
  /** Puts the collected parts together with the article 15 information and Lethe's own data. Returns `PackageBuilt.v1`. */
  abstract build(tenant: TenantId, request: RequestState): Promise<NewEvent[]>;
}

/** Withdrawal and objection at once, without proof (GDPR 7(3), 21(3)); implemented by #consent. */
export abstract class WithdrawalPort {
  /** 422 `purpose-unknown` or `decision-not-applicable` before anything is recorded. */
  abstract assertStoppable(
    tenant: TenantId,
    type: 'objection' | 'withdrawal',
    purposes: readonly string[],
  ): Promise<void>;
  /**
   * Appends refusals for the purposes (all a person can stop when empty). Returns how many purposes were stopped, and what
   * of an objection is remembered beside the person's records, which an erasure takes away.
   */
  abstract stop(call: {
    tenant: TenantId;
    actorRef: string;
    subject: SubjectId;
    /** What the person wrote from; known or not. */
    identifiers: readonly { type: string; value: string }[];
    type: 'objection' | 'withdrawal';
    purposes: string[];
    receivedAt: Date;
    requestId: string;
  }): Promise<{ stopped: number; remembered?: { count: number; until: string } }>;
}

/** Data of an own record of the person in Lethe, for the package: consents, cases, accesses. */
export type OwnRecord = { dataset: string; fields: JsonObject };

/** Lethe's own erasure, over #subjects. */
export abstract class OwnErasure {
  /** Before it: marks what the person stopped and a stranger would not have; undefined when there is nothing to mark. */
  remember(_tenant: TenantId, _subject: SubjectId): Promise<{ count: number; until: string } | undefined> {
    return Promise.resolve(undefined);
  }
  /** Whether anything but requests knows the person, holds apart; true when in doubt. */
  isKnown(_tenant: TenantId, _subject: SubjectId): Promise<boolean> {
    return Promise.resolve(true);
  }
  /**
   * Destroys classes of the person's keys; a repeat changes nothing. What she stopped meanwhile is marked, of a repeat by
   * how she is `known` elsewhere.
   */
  abstract erase(
    tenant: TenantId,
    subject: SubjectId,
    classes: readonly KeyClass[],
    known?: readonly { type: string; value: string }[],
  ): Promise<void>;
  /** Destroys the key of one case file, or of what else has a key of its own; a repeat changes nothing. */
  abstract eraseFile(tenant: TenantId, keyHolder: SubjectId): Promise<void>;
  /** True while the identity of the person can still be opened. */
  abstract isReadable(tenant: TenantId, subject: SubjectId): Promise<boolean>;
  /** Day until which a backup of the key store may still hold the key; null while no rotation has dated it. */
  abstract horizon(): Promise<string | null>;
}
