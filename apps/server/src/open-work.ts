/** Tells the connectors what open requests still need of a connection: requests lie above and may not be asked from below. */
import { Module, type OnModuleInit } from '@nestjs/common';
import { ConnectorsModule, OpenWork } from '#connectors';
import { HandOver, RequestsModule } from '#requests';

@Module({ imports: [ConnectorsModule, RequestsModule] })
export class OpenWorkModule implements OnModuleInit {
  constructor(
    private readonly work: OpenWork,
    private readonly left: HandOver,
  ) {}

  onModuleInit(): void {
    this.work.use(this.left);
  }
}
