/** Liveness and readiness. Ready means: the databases answer, the role is behind the wall, no log was rolled back. */
import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import { DomainError } from '#kernel';
import { Database, Signer } from '#ledger';
import { Answers, Audited, Can, KEYSTORE_DATABASE, ServiceState, unsafeRole } from '#platform';

const Healthy = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Healthy' });

@Controller()
export class HealthController {
  constructor(
    private readonly database: Database,
    @Inject(KEYSTORE_DATABASE) private readonly keystore: Database,
    private readonly signer: Signer,
    private readonly state: ServiceState,
  ) {}

  @Get('healthz')
  @Can('anyone')
  @Audited('health', 'exempt', 'says only that the process lives')
  @Answers(200, Healthy)
  healthz(): z.infer<typeof Healthy> {
    return { status: 'ok' };
  }

  @Get('readyz')
  @Can('anyone')
  @Audited('ready', 'exempt', 'says only whether the service can work')
  @Answers(200, Healthy)
  async readyz(): Promise<z.infer<typeof Healthy>> {
    const unsafe = await unsafeRole((text) => this.database.global({ text }));
    if (unsafe)
      throw new DomainError(
        503,
        'unsafe-database-role',
        `Not serving: ${unsafe}. Connect as a role that owns nothing (lethe bootstrap creates one).`,
      );
    await this.keystore.global({ text: 'SELECT 1' });
    this.state.assertWritable();
    const { trouble } = this.signer;
    if (trouble)
      throw new DomainError(
        503,
        trouble,
        'Not serving: a log contradicts its last signed head, or cannot be signed. Restore the database or the key; see the process log.',
      );
    return { status: 'ok' };
  }
}
