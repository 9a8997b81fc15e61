/** Plugins of a running service, over its API. */
import { createLetheClient } from '@lethe/client';
import type { PluginOffice } from './plugin-office.js';
import { got } from './story.js';

/** The office of a service that answers. */
export function apiOffice(access: { baseUrl: string; key: string }): PluginOffice {
  const client = createLetheClient(access);
  const at = (id: string) => ({ params: { path: { id } } });
  return {
    plugins: async () => got(await client.GET('/v1/admin/plugins')).items,
    connections: async () => got(await client.GET('/v1/admin/connections')).items,
    switchTo: async (id, what) =>
      got(
        what === 'enable'
          ? await client.POST('/v1/admin/connections/{id}/enable', at(id))
          : await client.POST('/v1/admin/connections/{id}/disable', at(id)),
      ).status,
    rollback: async (id) => {
      const body = got(await client.POST('/v1/admin/connections/{id}/rollback', { ...at(id), body: {} }));
      return `${body.status}, ${body.version}`;
    },
    quarantine: async (id, how, reason) => {
      const call = { ...at(id), body: { reason } };
      return got(
        how === 'set'
          ? await client.POST('/v1/admin/connections/{id}/quarantine', call)
          : await client.POST('/v1/admin/connections/{id}/quarantine/clear', call),
      ).status;
    },
    remove: async (id, reason, takeover) => {
      const body = { reason, ...(takeover ? { takeover } : {}) };
      const removed = got(await client.POST('/v1/admin/connections/{id}/remove', { ...at(id), body }));
      return `${removed.status}, ${removed.tasks} manual tasks`;
    },
    removeVersion: async (id, version, reason) => {
      const body = { version, reason };
      const removed = got(await client.POST('/v1/admin/plugins/{id}/remove', { ...at(id), body }));
      return removed.filesRemoved ? 'removed with its files' : 'removed; another tenant uses the files';
    },
    close: () => Promise.resolve(),
  };
}
