/** Tells the suppressions what a hold or a duty keeps, and which connections there are: all lie above subjects and may not be asked from below. */
import { Module, type OnModuleInit } from '@nestjs/common';
import { Connections, ConnectorsModule } from '#connectors';
import type { SubjectId } from '#kernel';
import { Holds, RetentionRules } from '#retention';
import { SubjectsModule, SuppressionKeeping } from '#subjects';
import { TenancyModule } from '#tenancy';

/** Nobody: then only a hold on the whole dataset counts. */
const NOBODY = '00000000-0000-0000-0000-000000000000' as SubjectId;

/** Holds and rules are read afresh at every question: an instance of our own sees what any other sees. */
@Module({ imports: [ConnectorsModule, SubjectsModule, TenancyModule], providers: [Holds, RetentionRules] })
export class SuppressionKeepingModule implements OnModuleInit {
  constructor(
    private readonly keeping: SuppressionKeeping,
    private readonly holds: Holds,
    private readonly rules: RetentionRules,
    private readonly connections: Connections,
  ) {}

  onModuleInit(): void {
    this.keeping.use(
      async (tenant, { connectionId, dataset, subjects }) => {
        if (await this.rules.dutyFor(tenant, connectionId, dataset)) return true;
        const people = subjects.length > 0 ? subjects : [NOBODY];
        const held = await Promise.all(
          people.map((subject) => this.holds.covering(tenant, { subject, connectionId, dataset })),
        );
        return held.some((hold) => hold !== undefined);
      },
      (tenant) => this.connections.all(tenant),
    );
  }
}
