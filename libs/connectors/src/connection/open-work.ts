/** What open requests still need of a connection: a port, because requests lie above the connectors. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import type { Caller } from '#platform';

/** A request that is not closed and has something left to do in the connection. */
export interface OpenRequest {
  requestId: string;
  /** Revision of the connection its plan was made on. */
  configVersion: number | null;
  /** Approved, with a step that is not over; else planned only, or waiting for a duty to end. */
  acting: boolean;
}

/** Who takes over by hand, and until when (YYYY-MM-DD). */
export interface Takeover {
  owner: string;
  dueOn: string;
  reason: string;
}

/** Implemented by the application over #requests. */
export interface OpenWorkSource {
  open(tenant: TenantId, connectionId: string): Promise<OpenRequest[]>;
  /** Turns every open step into a manual task; resolves with how many. A repeat changes nothing. */
  handOver(by: Caller, connectionId: string, to: Takeover): Promise<number>;
}

@Injectable()
export class OpenWork {
  private source: OpenWorkSource | undefined;

  /** Registers who knows; in `onModuleInit`. */
  use(source: OpenWorkSource): void {
    this.source = source;
  }

  /** Without a source nobody knows what is open, so nothing may be removed. */
  get known(): OpenWorkSource {
    if (!this.source) throw new Error('no source of open work is registered');
    return this.source;
  }
}
