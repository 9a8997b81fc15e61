/** The connectors as somebody who can be told: a plugin's `obey`, or a task in a system's inbox. */
import { Injectable } from '@nestjs/common';
import { AnswerLater, ConnectorCalls, PluginFailure } from '#connectors';
import type { TenantId } from '#kernel';
import { ObeyPort, type PersonToTell, type Telling, type Told } from './tell-system.js';

@Injectable()
export class ConnectorObedience extends ObeyPort {
  constructor(private readonly calls: ConnectorCalls) {
    super();
  }

  async tell(
    tenant: TenantId,
    connectionId: string,
    { key: itemKey, jobId, signal }: Telling,
    person: PersonToTell,
  ): Promise<Told> {
    const { subject, identifiers: ids, decisions } = person;
    try {
      const options = { about: { subject, jobId }, signal };
      await this.calls.obey(tenant, connectionId, [{ itemKey, ids, decisions }], options);
      // Who does not know the person has nothing to stop.
      return { kind: 'obeyed' };
    } catch (error) {
      if (error instanceof AnswerLater) return { kind: 'later', at: error.at };
      if (error instanceof PluginFailure && error.fail.code === 'operation-unsupported') return { kind: 'unsupported' };
      throw error;
    }
  }
}
