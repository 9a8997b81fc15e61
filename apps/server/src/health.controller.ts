/** Liveness and readiness. Ready means: the databases answer, the role is behind the wall, no log was rolled back. */
import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Database, Signer } from '#ledger';
import { Answers, Audited, Can, KEYSTORE_DATABASE, ServiceState } from '#platform';
import { assertReady } from './readiness.js';

const Healthy = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Healthy' });

@Controller()
export class HealthController {
  constructor(
    readonly database: Database,
    @Inject(KEYSTORE_DATABASE) readonly keystoreDatabase: Database,
    readonly signer: Signer,
    readonly state: ServiceState,
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
    await assertReady(this);
    return { status: 'ok' };
  }
}
