/** The connectors as somebody who can be told. */
import { Injectable } from '@nestjs/common';
import { ObeyPort, type Told } from './tell-system.js';

@Injectable()
export class ConnectorObedience extends ObeyPort {
  async tell(): Promise<Told> {
    return { kind: 'unsupported' };
  }
}
