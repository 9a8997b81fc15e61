/** Generated from /openapi.json by `npm run client`; do not edit. */
export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showLedger"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logs/{logId}/checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readCheckpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logs/{logId}/entries/{position}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readEntry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logs/{logId}/entries/{position}/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProof"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logs/{logId}/consistency": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readConsistency"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logs/{logId}/tile/entries/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readEntryBundle"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logs/{logId}/tile/{level}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readTile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["whoami"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listApiKeys"];
        put?: never;
        post: operations["issueApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/api-keys/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["revokeApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listMembers"];
        put?: never;
        post: operations["addMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/members/{id}/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["changeMemberRoles"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/members/{id}/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["removeMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/members/{id}/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["confirmMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/api-keys/{id}/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["confirmApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listSettings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/settings/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["proposeSettingChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/settings/changes/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["approveSettingChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/settings/changes/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["cancelSettingChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/refusals/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["searchRefusals"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/lookup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["lookup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/unlink": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["unlink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/suppressions/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["checkSuppressions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/purposes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listPurposes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/purposes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: operations["definePurpose"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["publishNotice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["recordConsent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consents/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["checkConsent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consents/check-batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["checkConsents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{id}/consents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listConsents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{id}/consents/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listConsentHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consents/{id}/receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getReceipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consents/{id}/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getConsentProof"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access-log/entries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["reportAccesses"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access-log/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["searchAccesses"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access-log/sources": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listAccessSources"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/plugins/inspect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["inspectPlugin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/plugins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listPlugins"];
        put?: never;
        post: operations["installPlugin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listConnections"];
        put?: never;
        post: operations["createConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/systems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["registerSystem"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/configure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["configureConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/upgrade": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["upgradeConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["checkConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["enableConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["disableConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["rollbackConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["rotateConnectionSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/quarantine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["quarantineConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/quarantine/clear": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["clearQuarantine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["removeConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/plugins/{id}/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["removePlugin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listTasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{id}/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["claimTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{id}/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["heartbeatTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{id}/outcomes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["reportTaskOutcomes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{id}/records": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["takeTaskRecords"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["completeTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["releaseTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/inboxes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["declareInbox"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/remotes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["declareRemote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/rebind": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["rebindConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/connections/{id}/redeclare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["redeclareConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/snapshot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readConsentSnapshot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["acknowledgeEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/systems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listObeyingSystems"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/systems/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: operations["declareObeyingSystem"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listWebhookEndpoints"];
        put?: never;
        post: operations["createWebhookEndpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readWebhookEndpoint"];
        put: operations["changeWebhookEndpoint"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["removeWebhookEndpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["rotateWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["enableWebhookEndpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["disableWebhookEndpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["testWebhookEndpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["searchWebhookDeliveries"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries/{id}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["redeliverWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/propagations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listPropagations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/propagations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readPropagation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/propagations/{id}/page": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["printPropagation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/propagations/{position}/systems/{systemId}/settle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["settlePropagation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/retention/policies/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: operations["defineRetentionPolicy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/retention/policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listRetentionPolicies"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/retention/plans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["makeRetentionPlan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/retention/plans/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getRetentionPlan"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/retention/plans/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["approveRetentionPlan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listHolds"];
        put?: never;
        post: operations["placeHold"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["releaseHold"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["openRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["searchRequests"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readRequest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/verification-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["sendVerificationCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/identify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["identifySubject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readPlan"];
        put?: never;
        post: operations["makePlan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/exclusions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["excludeFromPlan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["approveRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/refuse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["refuseRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/extend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["extendRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["pauseRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["resumeRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["withdrawRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/reopen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["reopenRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listRequestTasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/tasks/{taskId}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["completeRequestTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/targets/{connectionId}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["retryRequestTarget"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/targets/{connectionId}/manual": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["handleRequestTargetManually"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/targets/{connectionId}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["acceptRequestTarget"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/answers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listAnswers"];
        put?: never;
        post: operations["writeAnswer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/answers/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["previewAnswer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/answers/{n}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getAnswer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/certificate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getCertificate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/certificate-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getCertificateKey"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}/package": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getPackage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Healthy: {
            /** @enum {string} */
            status: "ok";
        };
        Ledger: {
            logId: string;
            epoch: number;
            origin: string;
            vkey: string;
            size: number;
            signedSize: number | null;
            /** @description Every key of the log, the first one first: checkpoints of fromSize and above, up to the next, are signed with it */
            keys: {
                vkey: string;
                fromSize: number;
                /** Format: date-time */
                since: string | null;
            }[];
        };
        LedgerText: string;
        LedgerEntry: {
            position: number;
            /** Format: base64 */
            bytes: string;
            /** Format: base64 */
            leafHash: string;
            type: string;
            /** Format: date-time */
            recordedAt: string;
        };
        LedgerConsistency: {
            from: number;
            to: number;
            hashes: string[];
        };
        /** Format: binary */
        LedgerBytes: string;
        WhoAmI: {
            tenant: {
                /** Format: uuid */
                id: string;
                name: string;
                /** @enum {string} */
                mode: "test" | "live";
                territory: string | null;
                timeZone: string;
            };
            principal: {
                kind: string;
                id: string;
                roles: string[];
                scopes: string[];
            };
        };
        CredentialList: {
            items: components["schemas"]["Credential"][];
            /** @enum {string|null} */
            next: null;
        };
        Credential: {
            id: string;
            /** @enum {string} */
            kind: "personal" | "system";
            /** Format: uuid */
            memberId: string | null;
            label: string;
            scopes: string[];
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: date-time */
            lastUsedAt: string | null;
            /** Format: date-time */
            revokedAt: string | null;
            confirmed: boolean;
        };
        IssueCredential: {
            /** @enum {string} */
            kind: "system";
            label: string;
            scopes: string[];
            /** @default 365 */
            expiresInDays: number;
        } | {
            /** @enum {string} */
            kind: "personal";
            label: string;
            /** Format: uuid */
            memberId: string;
            /** @default 90 */
            expiresInDays: number;
        };
        IssuedCredential: {
            id: string;
            key: string;
            /** Format: date-time */
            expiresAt: string;
        };
        RevokedCredential: {
            id: string;
            /** @enum {boolean} */
            revoked: true;
        };
        MemberList: {
            items: components["schemas"]["Member"][];
            /** @enum {string|null} */
            next: null;
        };
        Member: {
            /** Format: uuid */
            id: string;
            label: string;
            roles: string[];
            /** Format: date-time */
            addedAt: string;
            confirmed: boolean;
        };
        NewMember: {
            label: string;
            roles: ("admin" | "privacy-officer" | "auditor")[];
            oidcSubject?: {
                /** Format: uri */
                issuer: string;
                subject: string;
            };
            identifiers?: {
                type: string;
                value: string;
            }[];
        };
        ChangeMember: {
            roles: ("admin" | "privacy-officer" | "auditor")[];
        };
        ChangedMember: {
            /** Format: uuid */
            id: string;
            roles: string[];
            confirmed: boolean;
        };
        RemovedMember: {
            /** Format: uuid */
            id: string;
            /** @enum {boolean} */
            removed: true;
        };
        Confirmed: {
            id: string;
            /** @enum {boolean} */
            confirmed: true;
        };
        SettingList: {
            items: components["schemas"]["Setting"][];
            /** @enum {string|null} */
            next: null;
        };
        Setting: {
            /** @enum {string} */
            name: "two-person-erasure";
            /** @enum {string} */
            value: "on" | "off";
            open: components["schemas"]["SettingChange"] | null;
        };
        SettingChange: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            name: "two-person-erasure";
            /** @enum {string} */
            from: "on" | "off";
            /** @enum {string} */
            to: "on" | "off";
            /** @enum {string} */
            status: "proposed" | "approved" | "cancelled";
            /** Format: date-time */
            proposedAt: string;
            /** Format: date-time */
            effectiveAt: string | null;
        };
        ProposeSettingChange: {
            /** @enum {string} */
            name: "two-person-erasure";
            /** @enum {string} */
            value: "on" | "off";
        };
        SearchRefusals: {
            code?: string;
            route?: string;
            /** Format: date-time */
            from?: string;
            /** Format: date-time */
            to?: string;
            /** @default 50 */
            limit: number;
            cursor?: string;
        };
        RefusalPage: {
            items: components["schemas"]["Refusal"][];
            next: string | null;
        };
        Refusal: {
            position: number;
            /** Format: date-time */
            at: string;
            actor: string;
            human: string | null;
            route: string;
            code: string;
            target: {
                [key: string]: string;
            };
        };
        FindSubjects: {
            identifiers: {
                type: string;
                value: string;
            }[];
        };
        FoundSubjects: {
            items: {
                /** Format: uuid */
                subjectId: string;
                aliases: string[];
                /** @enum {string} */
                status: "active" | "restricted" | "erased";
                identifiers: {
                    /** Format: uuid */
                    id: string;
                    /** Format: uuid */
                    subjectId: string;
                    type: string;
                    value: string | null;
                    /** @enum {string} */
                    strength: "claimed" | "verified";
                    /** Format: date-time */
                    addedAt: string;
                }[];
            }[];
        };
        LinkSubjects: {
            subjectIds: (string)[];
            /** @enum {string} */
            method: "code" | "attest" | "session" | "system";
        };
        LinkedSubjects: {
            /** Format: uuid */
            linkId: string;
            subjectIds: string[];
        };
        UnlinkSubjects: {
            /** Format: uuid */
            linkId: string;
            /** @enum {string} */
            reason: "mistake" | "person-asked" | "fraud" | "test";
        };
        UnlinkedSubjects: {
            /** Format: uuid */
            linkId: string;
            subjectIds: string[];
        };
        CheckSuppressions: {
            items: {
                ref?: string;
                identifier: {
                    type: string;
                    value: string;
                };
                purpose?: string;
                connection?: string;
                dataset?: string;
                /** Format: date-time */
                dataFrom: string;
            }[];
        };
        CheckedSuppressions: {
            items: {
                ref: string | null;
                suppressed: boolean;
                scope: {
                    /** @enum {string} */
                    kind: "purpose" | "connection" | "all-sources";
                    id: string | null;
                } | null;
                until: string | null;
            }[];
        };
        PurposeList: {
            items: components["schemas"]["Purpose"][];
            /** @enum {string|null} */
            next: null;
        };
        Purpose: {
            id: string;
            name: string;
            description?: string;
            /** @enum {string} */
            legalBasis: "consent" | "contract" | "legal-obligation" | "vital-interests" | "public-task" | "legitimate-interest";
            /** @enum {string} */
            model: "opt-in" | "opt-out";
            channels?: string[];
            validity?: string;
        };
        PurposeDefinition: {
            name: string;
            description?: string;
            /** @enum {string} */
            legalBasis: "consent" | "contract" | "legal-obligation" | "vital-interests" | "public-task" | "legitimate-interest";
            /** @enum {string} */
            model: "opt-in" | "opt-out";
            channels?: string[];
            validity?: string;
        };
        NoticeVersion: {
            id: string;
            version: string;
            language: string;
            text: string;
            purposes: string[];
        };
        Notice: {
            id: string;
            version: string;
            language: string;
            purposes: string[];
            hash: string;
        };
        RecordConsent: {
            subject: components["schemas"]["SubjectReference"];
            decisions: {
                purpose: string;
                /** @enum {string} */
                decision: "given" | "refused" | "withdrawn";
                channel?: string;
            }[];
            notice: {
                id: string;
                version: string;
            };
            method: string;
            /** Format: date-time */
            collectedAt: string;
            evidence: {
                [key: string]: unknown;
            };
            /**
             * @default live
             * @enum {string}
             */
            origin: "live" | "import";
        };
        SubjectReference: {
            identifiers: {
                type: string;
                value: string;
            }[];
        };
        ConsentRecorded: {
            records: {
                /** Format: uuid */
                id: string;
                purpose: string;
                decision: string;
            }[];
            /** Format: uuid */
            subjectId: string;
            position: number;
            token: string;
            unlinked?: number[];
        };
        CheckConsent: {
            subject?: components["schemas"]["SubjectReference"];
            /** Format: uuid */
            subjectId?: string;
            purpose: string;
            channel?: string;
            /** Format: date-time */
            at?: string;
            /** Format: date-time */
            asOf?: string;
            atLeast?: string;
        };
        ConsentAnswer: {
            /** @enum {string} */
            decision: "permit" | "deny";
            reason: string;
            basis: string | null;
            state: string;
            since: string | null;
            validUntil: string | null;
            token: string;
        };
        CheckConsentBatch: {
            items: {
                ref: string;
                subject?: components["schemas"]["SubjectReference"];
                /** Format: uuid */
                subjectId?: string;
                purpose: string;
                channel?: string;
                /** Format: date-time */
                at?: string;
                /** Format: date-time */
                asOf?: string;
            }[];
            atLeast?: string;
        };
        ConsentAnswerBatch: {
            asOf: string;
            items: ({
                ref: string;
                /** @enum {string} */
                decision: "permit" | "deny";
                reason: string;
                basis: string | null;
                state: string;
                since: string | null;
                validUntil: string | null;
                token: string;
            } | {
                ref: string;
                error: {
                    code: string;
                };
            })[];
        };
        ConsentStates: {
            items: {
                purpose: string;
                channel: string | null;
                state: string;
                since: string | null;
                validUntil: string | null;
            }[];
            /** @enum {string|null} */
            next: null;
        };
        ConsentHistory: {
            items: components["schemas"]["ConsentRecord"][];
            /** @enum {string|null} */
            next: null;
        };
        ConsentRecord: {
            /** Format: uuid */
            id: string;
            purpose: string;
            /** @enum {string} */
            decision: "given" | "refused" | "withdrawn";
            channel: string | null;
            collectedAt: string;
            recordedAt: string;
            expiresAt: string | null;
            notice: {
                id: string;
                version: string;
            };
            position: number;
        };
        ConsentReceipt: {
            receipt: {
                [key: string]: unknown;
            };
            signature: {
                /** @enum {string} */
                alg: "Ed25519";
                publicKey: string;
                value: string;
            };
        };
        ConsentProof: string;
        ReportAccesses: {
            entries: {
                id: string;
                sequence?: number;
                actor: {
                    type: string;
                    id: string;
                };
                subject: {
                    identifiers: {
                        type: string;
                        value: string;
                    }[];
                };
                /** @description A code of 1 to 50 characters; an entry with anything else is rejected */
                action: string;
                resource: string;
                fields: string[];
                /** @description A code of 1 to 100 characters; an entry with anything else is rejected */
                purpose: string;
                /** Format: date-time */
                at: string;
            }[];
        };
        AccessesReported: {
            accepted: number;
            duplicates: number;
            firstPosition: number | null;
            lastPosition: number | null;
            rejected: {
                id: string;
                code: string;
                pointer: string;
            }[];
        };
        SearchAccesses: {
            /** Format: uuid */
            subjectId?: string;
            subject?: {
                identifiers: {
                    type: string;
                    value: string;
                }[];
            };
            actor?: {
                type: string;
                id: string;
            };
            purpose?: string;
            /** @enum {string} */
            verdict?: "matches-consent" | "matches-declared-basis" | "no-match" | "undeclared-purpose";
            source?: string;
            /** Format: date-time */
            from?: string;
            /** Format: date-time */
            to?: string;
            /** @default 50 */
            limit: number;
            cursor?: string;
        };
        AccessPage: {
            items: {
                position: number;
                id: string;
                source: string;
                sequence: number | null;
                /** Format: uuid */
                subjectId: string;
                action: string;
                purpose: string;
                /** @enum {string} */
                verdict: "matches-consent" | "matches-declared-basis" | "no-match" | "undeclared-purpose";
                at: string;
                recordedAt: string;
                particulars: unknown;
            }[];
            next: string | null;
        };
        AccessSources: {
            items: {
                source: string;
                entries: number;
                lastAt: string;
                lastSequence: number | null;
                missing: number;
                silent: boolean;
            }[];
            /** @enum {string|null} */
            next: null;
        };
        InspectPlugin: {
            name: string;
        };
        InspectedPlugin: {
            name: string;
            contentHash: string;
            native: boolean;
            manifest: {
                [key: string]: unknown;
            } | null;
            files: {
                path: string;
                bytes: number;
                sha256: string;
            }[];
            problems: {
                code: string;
                where: string;
            }[];
        };
        InstallPlugin: {
            name: string;
            contentHash: string;
        };
        Plugin: {
            id: string;
            version: string;
            name: string;
            publisher: string;
            contentHash: string;
            native: boolean;
            capabilities: string[];
            installedAt: string;
            quarantinedFor: string[];
        };
        PluginList: {
            items: components["schemas"]["Plugin"][];
            /** @enum {string|null} */
            next: null;
        };
        ConnectionList: {
            items: components["schemas"]["Connection"][];
            /** @enum {string|null} */
            next: null;
        };
        Connection: {
            /** Format: uuid */
            id: string;
            name: string;
            /** @enum {string} */
            role: "own" | "processor" | "joint" | "independent";
            legalEntity: string;
            country: string;
            plugin: {
                id: string;
                version: string;
                contentHash: string;
            } | null;
            configVersion: number;
            /** @enum {string} */
            status: "stopped" | "enabled" | "disabled" | "manual";
            isolation: string | null;
            datasets: string[];
            owner: string | null;
            why: string | null;
            checkedAt: string | null;
            blocked: {
                code: string;
                why: string;
                since: string | null;
            } | null;
            previous: {
                version: string;
                configVersion: number;
            } | null;
        };
        NewConnection: {
            name: string;
            /**
             * @default own
             * @enum {string}
             */
            role: "own" | "processor" | "joint" | "independent";
            legalEntity: string;
            country: string;
            plugin: {
                id: string;
                version: string;
            };
            config: {
                [key: string]: unknown;
            };
            /** @default {} */
            secrets: {
                [key: string]: string;
            };
        };
        ConnectionStatus: {
            /** Format: uuid */
            id: string;
            status: string;
        };
        NewSystem: {
            name: string;
            /**
             * @default own
             * @enum {string}
             */
            role: "own" | "processor" | "joint" | "independent";
            legalEntity: string;
            country: string;
            owner: string;
            why: string;
        };
        ConfigureConnection: {
            config: {
                [key: string]: unknown;
            };
        };
        UpgradeConnection: {
            version: string;
            /** @default {} */
            secrets: {
                [key: string]: string;
            };
        };
        SwitchedConnection: {
            /** Format: uuid */
            id: string;
            status: string;
            version: string;
            configVersion: number;
            datasets: string[];
        };
        ConnectionCheck: {
            /** Format: uuid */
            id: string;
            ok: boolean;
            account: string | null;
            warnings: string[];
            error: {
                class: string;
                code: string;
                message: string;
            } | null;
            datasets: {
                name: string;
                title: string;
                action: string;
                schemaHash: string;
            }[];
        };
        RollbackConnection: Record<string, never>;
        RotateConnectionSecret: {
            secrets: {
                [key: string]: string;
            };
        };
        QuarantineConnection: {
            reason: string;
        };
        RemoveConnection: {
            reason: string;
            takeover?: {
                owner: string;
                /** Format: date */
                dueOn: string;
            };
        };
        RemovedConnection: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            status: "removed" | "manual";
            tasks: number;
        };
        RemovePlugin: {
            version: string;
            reason: string;
        };
        RemovedPlugin: {
            id: string;
            version: string;
            filesRemoved: boolean;
        };
        ConnectionTasks: {
            items: components["schemas"]["TaskSummary"][];
            /** @enum {string|null} */
            next: null;
        };
        TaskSummary: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            kind: "locate" | "read" | "apply" | "verify" | "obey";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            mustFinishBy: string;
        };
        ClaimTask: {
            /** @default 60 */
            leaseSeconds: number;
        };
        ClaimedTask: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            connectionId: string;
            /** @enum {string} */
            kind: "locate" | "read" | "apply" | "verify" | "obey";
            fence: number;
            /** Format: date-time */
            leaseUntil: string;
            idempotencyKey: string;
            /** Format: date-time */
            mustFinishBy: string;
            identifiers: {
                type: string;
                value: string;
                /** @enum {string} */
                strength: "verified" | "derived" | "claimed";
            }[];
            datasets: {
                name: string;
                /** @enum {string} */
                action: "erase" | "anonymise" | "strip" | "detach" | "retain" | "read" | "locate" | "verify" | "obey";
                refs?: string[];
                ruleId?: string;
                fields?: string[];
            }[];
            decisions?: {
                purpose: string;
                allowed: boolean;
                state: string;
            }[];
            rules: {
                id: string;
            }[];
            received: components["schemas"]["ReceivedRecordsAtClaim"];
        };
        ReceivedRecordsAtClaim: {
            parts: number;
            bytes: number;
            sha256: string | null;
        };
        TaskHeartbeat: {
            fence: number;
            /** @default 60 */
            leaseSeconds: number;
        };
        HeldTask: {
            /** Format: uuid */
            id: string;
            fence: number;
            /** Format: date-time */
            leaseUntil: string;
            received: components["schemas"]["ReceivedRecords"];
        };
        ReceivedRecords: {
            parts: number;
            bytes: number;
        };
        TaskOutcomes: {
            fence: number;
            outcomes: components["schemas"]["TaskOutcome"][];
        };
        TaskOutcome: {
            dataset: string;
            ref?: string;
            /** @default 0 */
            count: number;
            /** @enum {string} */
            kind: "erased" | "anonymised" | "masked" | "detached" | "rectified" | "restricted" | "soft-deleted" | "not-found" | "unsupported" | "provided" | "clean" | "residue" | "obeyed";
        } | {
            dataset: string;
            ref?: string;
            /** @default 0 */
            count: number;
            /** @enum {string} */
            kind: "retained";
            ruleId: string;
        } | {
            dataset: string;
            ref?: string;
            /** @default 0 */
            count: number;
            /** @enum {string} */
            kind: "refused-by-system";
            /** Format: date */
            until?: string;
        } | {
            dataset: string;
            ref?: string;
            /** @default 0 */
            count: number;
            /** @enum {string} */
            kind: "failed";
            retryable: boolean;
            code: string;
        };
        TaskStanding: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            state: "open" | "claimed" | "done";
            missing: string[];
        };
        TaskRecords: {
            fence: number;
            part: number;
            sha256: string;
            content: string;
            /** @default false */
            restart: boolean;
        };
        TaskRecordsTaken: {
            /** Format: uuid */
            id: string;
            received: components["schemas"]["ReceivedRecords"];
        };
        CompleteTask: {
            fence: number;
            /** @default [] */
            outcomes: components["schemas"]["TaskOutcome"][];
        };
        ReleaseTask: {
            fence: number;
            /** @default released */
            reason: string;
            /** @default 0 */
            retryAfterSeconds: number;
        };
        NewInbox: {
            name: string;
            /**
             * @default own
             * @enum {string}
             */
            role: "own" | "processor" | "joint" | "independent";
            legalEntity: string;
            country: string;
            datasets: components["schemas"]["DeclaredDataset"][];
            /** @default 14 */
            answerWithinDays: number;
            keyId: string;
        };
        DeclaredDataset: {
            name: string;
            title: string;
            /** @default [] */
            categories: string[];
            /** @default [] */
            fields: {
                name: string;
                /** @default true */
                personal: boolean;
                identifier?: {
                    type: string;
                    /** @enum {string} */
                    strength: "identifying" | "candidate";
                };
            }[];
            /** @default [] */
            refs: {
                field: string;
                to: {
                    dataset: string;
                    field: string;
                };
                identifying: boolean;
            }[];
            /** @default false */
            shared: boolean;
            /**
             * @default erase
             * @enum {string}
             */
            action: "erase" | "anonymise" | "strip" | "detach" | "retain";
            clockField?: string;
            /** @default [] */
            stripFields: string[];
            backupDays?: number;
        };
        DeclaredSystem: {
            /** Format: uuid */
            id: string;
            status: string;
        };
        NewRemote: {
            name: string;
            /**
             * @default own
             * @enum {string}
             */
            role: "own" | "processor" | "joint" | "independent";
            legalEntity: string;
            country: string;
            datasets: components["schemas"]["DeclaredDataset"][];
            /** @default 14 */
            answerWithinDays: number;
            /** Format: uri */
            endpoint: string;
            /** @default false */
            allowInward: boolean;
            signingSecret: string;
            keyId?: string;
        };
        RebindSystem: {
            keyId?: string;
            signingSecret?: string;
        };
        RedeclareSystem: {
            datasets: components["schemas"]["DeclaredDataset"][];
            /** @default 14 */
            answerWithinDays: number;
        };
        EventPage: {
            items: components["schemas"]["Event"][];
            next: string;
            caughtUp: boolean;
        };
        Event: {
            id: string;
            type: string;
            version: number;
            position: number;
            time: string;
            subject: {
                /** Format: uuid */
                id: string;
            } | null;
            data: {
                [key: string]: unknown;
            };
        };
        ConsentSnapshot: {
            items: {
                subject: {
                    /** Format: uuid */
                    id: string;
                };
                erased: boolean;
                restricted: boolean;
                decisions: {
                    purpose: string;
                    allowed: boolean;
                    state: string;
                    since: string | null;
                    validUntil: string | null;
                }[];
            }[];
            next: string | null;
            after: string;
        };
        AcknowledgeEvents: {
            cursor: string;
        };
        AcknowledgedEvents: {
            systemId: string;
            upTo: number;
            moved: boolean;
        };
        ObeyingSystems: {
            items: components["schemas"]["ObeyingSystem"][];
            /** @enum {string|null} */
            next: null;
        };
        ObeyingSystem: {
            id: string;
            name: string;
            purposes: string[];
            acknowledgeWithin: string;
            /** @enum {string} */
            status: "active" | "retired";
            /** @enum {string} */
            channel: "cursor" | "webhook" | "inbox" | "plugin";
            keyId: string | null;
            /** Format: uuid */
            connectionId: string | null;
        };
        ObeyingSystemDeclaration: {
            name: string;
            purposes: string[];
            acknowledgeWithin: string;
            /**
             * @default active
             * @enum {string}
             */
            status: "active" | "retired";
            /** @enum {string} */
            channel: "cursor";
            keyId: string;
        } | {
            name: string;
            purposes: string[];
            acknowledgeWithin: string;
            /**
             * @default active
             * @enum {string}
             */
            status: "active" | "retired";
            /** @enum {string} */
            channel: "webhook";
        } | {
            name: string;
            purposes: string[];
            acknowledgeWithin: string;
            /**
             * @default active
             * @enum {string}
             */
            status: "active" | "retired";
            /** @enum {string} */
            channel: "inbox";
            /** Format: uuid */
            connectionId: string;
        } | {
            name: string;
            purposes: string[];
            acknowledgeWithin: string;
            /**
             * @default active
             * @enum {string}
             */
            status: "active" | "retired";
            /** @enum {string} */
            channel: "plugin";
            /** Format: uuid */
            connectionId: string;
        };
        WebhookEndpoints: {
            items: components["schemas"]["WebhookEndpoint"][];
            /** @enum {string|null} */
            next: null;
        };
        WebhookEndpoint: {
            /** Format: uuid */
            id: string;
            url: string;
            description: string;
            types: string[];
            systemId: string | null;
            /** @enum {string} */
            status: "enabled" | "disabled";
            disabledBecause: string | null;
            failures: number;
            oldSecretUntil: string | null;
            createdAt: string;
        };
        WebhookEndpointDefinition: {
            url: string;
            /** @default  */
            description: string;
            /**
             * @default [
             *       "consent.given",
             *       "consent.refused",
             *       "consent.withdrawn",
             *       "consent.expired",
             *       "objection.raised",
             *       "objection.lifted",
             *       "restriction.set",
             *       "restriction.lifted",
             *       "subject.linked",
             *       "subject.unlinked",
             *       "subject.erased"
             *     ]
             */
            types: ("consent.given" | "consent.refused" | "consent.withdrawn" | "consent.expired" | "objection.raised" | "objection.lifted" | "restriction.set" | "restriction.lifted" | "subject.linked" | "subject.unlinked" | "subject.erased" | "request.received" | "request.reopened" | "request.closed" | "propagation.late")[];
            /** @default null */
            systemId: string | null;
        };
        WebhookSecret: {
            /** Format: uuid */
            id: string;
            secret: string;
            oldSecretUntil: string | null;
        };
        RemovedWebhookEndpoint: {
            /** Format: uuid */
            id: string;
            /** @enum {boolean} */
            removed: true;
        };
        RotateWebhookSecret: {
            /** @default 24 */
            overlapHours: number;
        };
        WebhookEndpointStatus: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            status: "enabled" | "disabled";
        };
        StartedWebhookDelivery: {
            /** Format: uuid */
            deliveryId: string;
        };
        SearchWebhookDeliveries: {
            /** Format: uuid */
            endpointId?: string;
            /** @enum {string} */
            state?: "pending" | "delivered" | "failed";
            type?: string;
            /** @default 50 */
            limit: number;
            cursor?: string;
        };
        WebhookDeliveries: {
            items: components["schemas"]["WebhookDelivery"][];
            next: string | null;
        };
        WebhookDelivery: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            endpointId: string;
            type: string;
            position: number | null;
            /** @enum {string} */
            state: "pending" | "delivered" | "failed";
            attempts: number;
            nextAttemptAt: string | null;
            lastStatus: number | null;
            lastCode: string | null;
            deliveredAt: string | null;
            createdAt: string;
        };
        OwedPropagations: {
            items: {
                position: number;
                systemId: string;
                type: string;
                purpose: string | null;
                recordedAt: string;
                dueAt: string;
                escalatedAt: string | null;
            }[];
            next: string | null;
        };
        PropagationReport: {
            position: number;
            type: string;
            /** Format: uuid */
            subjectId: string;
            purpose: string | null;
            recordedAt: string;
            recordId: string | null;
            complete: boolean;
            systems: {
                systemId: string;
                name: string;
                channel: string;
                dueAt: string;
                /** @enum {string} */
                state: "waiting" | "late" | "acknowledged" | "acknowledged-late" | "settled" | "released";
                acknowledgedAt: string | null;
                how: string | null;
                seconds: number | null;
                escalatedAt: string | null;
                attempts: number | null;
                lastTrouble: string | null;
            }[];
            asOf: string;
        };
        PropagationPage: string;
        SettlePropagation: {
            proof: string;
        };
        SettledPropagation: {
            position: number;
            systemId: string;
            /** @enum {string} */
            state: "settled";
        };
        RetentionPolicyDefinition: {
            /** Format: uuid */
            connectionId: string;
            dataset: string;
            duty?: {
                dutyId: string;
                recordClass: string;
                country: string;
            };
            period?: string;
            /** @enum {string} */
            action: "erase" | "anonymise" | "strip";
            /** @default [] */
            stripFields: string[];
            overrides?: {
                /** @default [] */
                enable: string[];
            };
        };
        RetentionPolicy: {
            id: string;
            version: number;
            /** Format: uuid */
            connectionId: string;
            dataset: string;
            duty?: {
                dutyId: string;
                recordClass: string;
                country: string;
            };
            period?: string;
            /** @enum {string} */
            action: "erase" | "anonymise" | "strip";
            /** @default [] */
            stripFields: string[];
            overrides?: {
                /** @default [] */
                enable: string[];
            };
        };
        RetentionPolicyList: {
            items: components["schemas"]["RetentionPolicy"][];
            /** @enum {string|null} */
            next: null;
        };
        NewRetentionPlan: {
            policyId: string;
        } | {
            /** @enum {boolean} */
            all: true;
        };
        RetentionPlan: {
            /** Format: uuid */
            id: string;
            hash: string;
            /** @enum {string} */
            status: "planned" | "approved" | "running" | "done" | "incomplete";
            today: string;
            /** Format: date-time */
            expiresAt: string;
            counts: {
                due: number;
                held: number;
            };
            items: {
                policyId: string;
                /** Format: uuid */
                connectionId: string;
                dataset: string;
                ruleId: string;
                /** @enum {string} */
                action: "erase" | "anonymise" | "strip";
                before: string;
                count: number;
                held: number;
                heldBy: string[];
                more: boolean;
                done: number;
                total: number;
                outcomes: {
                    kind: string;
                    reason: string | null;
                    count: number;
                }[];
                ended: string | null;
                left: number;
            }[];
            blocked: {
                policyId: string;
                connectionId: string;
                dataset: string;
                code: string;
                heldBy: string[];
            }[];
            done: number;
            total: number;
            outcomes: {
                kind: string;
                reason: string | null;
                count: number;
            }[];
        };
        ApproveRetentionPlan: {
            hash: string;
        };
        NewHold: {
            ground: string;
            reason: string;
            scope: {
                subject?: {
                    identifiers: {
                        type: string;
                        value: string;
                    }[];
                };
                /** Format: uuid */
                subjectId?: string;
                /** Format: uuid */
                connectionId?: string;
                dataset?: string;
            };
            owner: string;
            /** Format: date */
            reviewOn: string;
        };
        PlacedHold: {
            /** Format: uuid */
            id: string;
            ground: string;
            citation: string;
            scope: {
                /** Format: uuid */
                subjectId: string | null;
                connectionId: string | null;
                dataset: string | null;
            };
            reason: string | null;
            owner: string | null;
            reviewOn: string;
            reviewDue: boolean;
            /** Format: date-time */
            placedAt: string;
            /** Format: date-time */
            releasedAt: string | null;
            /** @description Nobody was known by these identifiers before: check their spelling */
            newPerson: boolean;
        };
        HoldList: {
            items: components["schemas"]["Hold"][];
            /** Format: uuid */
            next: string | null;
        };
        Hold: {
            /** Format: uuid */
            id: string;
            ground: string;
            citation: string;
            scope: {
                /** Format: uuid */
                subjectId: string | null;
                connectionId: string | null;
                dataset: string | null;
            };
            reason: string | null;
            owner: string | null;
            reviewOn: string;
            reviewDue: boolean;
            /** Format: date-time */
            placedAt: string;
            /** Format: date-time */
            releasedAt: string | null;
        };
        ReleaseHold: {
            reason: string;
        };
        ReleasedHold: {
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            releasedAt: string;
        };
        OpenRequest: {
            type: string;
            regimes: string[];
            territory?: string;
            subject: {
                identifiers: {
                    type: string;
                    value: string;
                }[];
            };
            /** Format: date-time */
            receivedAt?: string;
            channel: string;
            purposes?: string[];
        };
        OpenedRequest: {
            /** Format: uuid */
            id: string;
            status: string;
            /** Format: date */
            dueOn: string;
            clocks: components["schemas"]["RequestClock"][];
        };
        RequestClock: {
            regime: string;
            kind: string;
            /** Format: date */
            startsOn: string;
            /** Format: date */
            dueOn: string;
            /** Format: date */
            effectiveDueOn: string;
            /** Format: date */
            extendedDueOn?: string;
            /** Format: date */
            extendableTo?: string;
            /** Format: date */
            warnOn?: string;
            /** Format: date */
            pausedSince?: string;
            calendar: string;
            rule: string;
            citation: string;
            steps: string[];
        };
        SearchRequests: {
            status?: string[];
            type?: string[];
            open?: boolean;
            /** Format: date */
            dueBefore?: string;
            subject?: {
                identifiers: {
                    type: string;
                    value: string;
                }[];
            };
            /** Format: uuid */
            subjectId?: string;
            /** @default 50 */
            limit: number;
            cursor?: string;
        };
        RequestSummaryList: {
            items: components["schemas"]["RequestSummary"][];
            next: string | null;
        };
        RequestSummary: {
            /** Format: uuid */
            id: string;
            type: string;
            status: string;
            resolution: string | null;
            /** Format: uuid */
            subjectId: string;
            /** Format: date-time */
            receivedAt: string;
            /** Format: date */
            dueOn: string;
        };
        Request: {
            /** Format: uuid */
            id: string;
            type: string;
            regimes: string[];
            territory: string | null;
            status: string;
            resolution: string | null;
            owner: string | null;
            /** Format: date */
            deadline: string | null;
            overdue: boolean;
            /** Format: date-time */
            receivedAt: string;
            /** Format: date-time */
            recordedAt: string;
            backdated: boolean;
            channel: string;
            /** Format: date */
            dueOn: string;
            clocks: components["schemas"]["RequestClock"][];
            paused: {
                regime: string;
                /** Format: date */
                from: string;
                /** Format: date */
                to: string | null;
            }[];
            extended: string[];
            identifiers: {
                /** Format: uuid */
                id: string;
                type: string;
                strength: string;
                method: string | null;
            }[];
            /** Format: uuid */
            subjectId: string;
            /** Format: uuid */
            mergedInto: string | null;
            plan: {
                /** Format: uuid */
                id: string;
                hash: string;
                /** Format: date-time */
                expiresAt: string;
                cause: string;
            } | null;
            approvals: number;
            blockers: {
                code: string;
                connectionId: string;
                dataset: string | null;
                count: number;
            }[];
            unsearched: {
                id: string;
                name: string;
                owner: string;
                why: string;
            }[];
            reasons: {
                code: string;
                stepId?: string;
                taskId?: string;
                connectionId?: string;
            }[];
            targets: components["schemas"]["RequestTarget"][];
            aftercare: {
                connectionId: string;
                dataset: string;
                count: number;
                ruleId: string;
                citation: string | null;
                /** Format: date */
                until: string | null;
                /** @enum {string} */
                status: "waiting" | "erased" | "failed";
            }[];
            tasks: components["schemas"]["RequestTask"][];
            answers: {
                id: string;
                kind: string;
                channel: string;
            }[];
            package: {
                id: string;
                records: number;
                expiresAt: string;
            } | null;
            certificates: {
                id: string;
                version: number;
                hash: string;
            }[];
            position: number;
        };
        RequestTarget: {
            connectionId: string;
            name: string;
            /** Format: uuid */
            stepId: string;
            /** @enum {string} */
            status: "waiting" | "acting" | "retrying" | "failed" | "manual" | "accepted" | "done";
            outcomes: components["schemas"]["RequestOutcome"][];
            verification: {
                /** @enum {string} */
                status: "pending" | "clean" | "residue" | "not-needed";
                datasets: {
                    dataset: string;
                    result: string;
                    records: number;
                }[];
            };
            horizon: {
                dataset: string;
                layer: string;
                until: string | null;
                note?: string;
            }[];
            isolation: string | null;
            added: number;
            attempts: number;
            failure: {
                code: string;
                class: string;
                jobId: string;
            } | null;
        };
        RequestOutcome: {
            dataset: string;
            kind: string;
            count: number;
            reason?: string;
            citation?: string;
            /** Format: date */
            until?: string | null;
            note?: string;
        };
        RequestTask: {
            /** Format: uuid */
            id: string;
            kind: string;
            system: string;
            why: string;
            owner: string;
            /** Format: date */
            dueOn: string;
            /** @enum {string} */
            status: "open" | "done" | "nothing-found";
        };
        SendVerificationCode: {
            identifier: {
                type: string;
                value: string;
            };
        };
        SentVerificationCode: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            codeId: string;
            /** Format: date-time */
            expiresAt: string;
        };
        IdentifySubject: {
            identifier: {
                type: string;
                value: string;
            };
            /** @enum {string} */
            method: "attest" | "code";
            code?: string;
            note?: string;
            add?: boolean;
        };
        IdentifiedRequest: {
            /** Format: uuid */
            id: string;
            status: string;
            identifier: {
                /** Format: uuid */
                id: string;
                type: string;
                /** @enum {string} */
                strength: "verified";
            };
            added: boolean;
            /** Format: uuid */
            mergedInto: string | null;
        };
        MakePlan: {
            ground?: string;
        };
        RequestPlan: {
            /** Format: uuid */
            id: string;
            hash: string;
            /** Format: date-time */
            expiresAt: string;
            type: string;
            ground: string;
            identifiers: {
                type: string;
                masked: string;
                /** @enum {string} */
                strength: "verified" | "derived";
                from: {
                    connectionId: string;
                    dataset: string;
                    depth: number;
                } | null;
            }[];
            candidates: {
                type: string;
                masked: string;
                connectionId: string;
                dataset: string;
            }[];
            systems: {
                connectionId: string;
                name: string;
                pluginId: string;
                pluginVersion: string;
                contentHash: string;
                configVersion: number;
                role: string;
                legalEntity: string;
                country: string;
                isolation: string;
                datasets: {
                    name: string;
                    title: string;
                    categories: string[];
                    schemaHash: string;
                    decisions: components["schemas"]["PlannedDecision"][];
                    leftAlone: number;
                    searched?: boolean;
                }[];
            }[];
            blockers: {
                code: string;
                connectionId: string;
                dataset: string | null;
                count: number;
                records: string[];
            }[];
            doubts: {
                connectionId: string;
                dataset: string;
                ref: string;
                reason: string;
            }[];
            unsearched: {
                id: string;
                name: string;
                owner: string;
                why: string;
            }[];
            exclusions: string[];
        };
        PlannedDecision: {
            action: string;
            /** @enum {string} */
            kind: "ground-met" | "not-met" | "exception";
            ruleId: string;
            citation: string | null;
            /** Format: date */
            untilFrom: string | null;
            /** Format: date */
            untilTo: string | null;
            /** Format: date */
            reviewOn: string | null;
            fields: string[];
            count: number;
            band: {
                from: number;
                to: number;
            };
        };
        ExcludeFromPlan: {
            connectionId: string;
            dataset?: string;
            identifierType?: string;
            ref?: string;
            reason: string;
        };
        ExcludedFromPlan: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            exclusionId: string;
            status: string;
        };
        ApproveRequest: {
            planHash: string;
        };
        ApprovedRequest: {
            /** Format: uuid */
            id: string;
            status: string;
            approvals: number;
            needed: number;
        };
        RefuseRequest: {
            reason: string;
            exception: string;
            /**
             * @default refused
             * @enum {string}
             */
            resolution: "refused" | "cannot-identify" | "out-of-scope" | "forwarded";
        };
        TurnedRequest: {
            /** Format: uuid */
            id: string;
            status: string;
        };
        ExtendRequest: {
            /** @enum {string} */
            regime: "eu-gdpr" | "uk-gdpr" | "us-ca" | "br-lgpd";
            reason: string;
            /** Format: date */
            noticeOn?: string;
        };
        PauseRequest: {
            /** @enum {string} */
            regime: "eu-gdpr" | "uk-gdpr" | "us-ca" | "br-lgpd";
            /** @enum {string} */
            reason: "clarification" | "identity";
        };
        ResumeRequest: {
            /** @enum {string} */
            regime: "eu-gdpr" | "uk-gdpr" | "us-ca" | "br-lgpd";
        };
        WithdrawRequest: {
            reason: string;
        };
        ReopenRequest: {
            reason: string;
            /** @enum {string} */
            cause: "complaint" | "appeal" | "order" | "late-find";
        };
        RequestTaskList: {
            items: components["schemas"]["RequestTask"][];
            /** @enum {string|null} */
            next: null;
        };
        CompleteRequestTask: {
            /** @enum {string} */
            outcome: "done" | "nothing-found";
            proof: string;
        };
        DecidedRequestTarget: {
            /** Format: uuid */
            id: string;
            status: string;
            final: boolean;
        };
        DecideRequestTarget: {
            reason: string;
        };
        WriteAnswer: {
            /** @enum {string} */
            kind: "acknowledgement" | "identity-question";
        };
        WrittenAnswer: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            answerId: string;
        };
        AnswerList: {
            items: {
                n: number;
                /** Format: uuid */
                id: string;
                kind: string;
                /** @enum {string} */
                channel: "mail" | "letter";
                subject: string;
                /** Format: date-time */
                writtenAt: string;
            }[];
            /** @enum {string|null} */
            next: null;
        };
        Certificate: {
            /** @enum {string} */
            format: "lethe-certificate/1";
            body: {
                [key: string]: unknown;
            };
            signature: {
                /** @enum {string} */
                alg: "Ed25519";
                keyId: string;
                publicKey: string;
                value: string;
            };
            proofs: {
                position: number;
                bytes: string;
                tlogProof: string;
            }[];
            logKey: string;
        };
        CertificateKey: {
            /** @enum {string} */
            alg: "Ed25519";
            keyId: string;
            publicKey: string;
            /** @description Every key that ever signed, the first one first; null: from the beginning, or still in use */
            keys: {
                keyId: string;
                publicKey: string;
                /** Format: date-time */
                validFrom: string | null;
                /** Format: date-time */
                validUntil: string | null;
            }[];
        };
        /**
         * Format: binary
         * @description A zip file
         */
        AccessPackage: string;
        Problem: {
            type: string;
            code: string;
            title: string;
            status: number;
            detail: string;
            instance: string;
            retryable: boolean;
            errors?: {
                pointer: string;
                code: string;
                detail?: string;
            }[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Healthy"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Healthy"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    showLedger: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ledger"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readCheckpoint: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                logId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": components["schemas"]["LedgerText"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                logId: string;
                position: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerEntry"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readProof: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                logId: string;
                position: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": components["schemas"]["LedgerText"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readConsistency: {
        parameters: {
            query: {
                from: string;
                to: string;
            };
            header?: never;
            path: {
                logId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerConsistency"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readEntryBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                logId: string;
                /** @description `<index>` or `<index>.p/<width>`, index as in c2sp.org/tlog-tiles */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": components["schemas"]["LedgerBytes"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readTile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                logId: string;
                level: string;
                /** @description `<index>` or `<index>.p/<width>`, index as in c2sp.org/tlog-tiles */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": components["schemas"]["LedgerBytes"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    whoami: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhoAmI"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CredentialList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    issueApiKey: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["IssueCredential"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedCredential"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RevokedCredential"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMembers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    addMember: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMember"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeMemberRoles: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeMember"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedMember"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removeMember: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovedMember"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirmMember: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Confirmed"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirmApiKey: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Confirmed"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposeSettingChange: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProposeSettingChange"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingChange"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    approveSettingChange: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingChange"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelSettingChange: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingChange"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    searchRefusals: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchRefusals"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefusalPage"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    lookup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FindSubjects"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FoundSubjects"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    link: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkSubjects"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkedSubjects"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unlink: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UnlinkSubjects"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnlinkedSubjects"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkSuppressions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckSuppressions"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckedSuppressions"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPurposes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PurposeList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    definePurpose: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PurposeDefinition"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Purpose"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    publishNotice: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NoticeVersion"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notice"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    recordConsent: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecordConsent"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentRecorded"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkConsent: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckConsent"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentAnswer"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkConsents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckConsentBatch"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentAnswerBatch"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConsents: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentStates"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConsentHistory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentHistory"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getReceipt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentReceipt"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getConsentProof: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": components["schemas"]["ConsentProof"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reportAccesses: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReportAccesses"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessesReported"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    searchAccesses: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchAccesses"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessPage"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAccessSources: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessSources"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    inspectPlugin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InspectPlugin"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InspectedPlugin"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPlugins: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PluginList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    installPlugin: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InstallPlugin"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plugin"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConnections: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewConnection"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    registerSystem: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSystem"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    configureConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigureConnection"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upgradeConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpgradeConnection"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SwitchedConnection"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionCheck"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enableConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    disableConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rollbackConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackConnection"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SwitchedConnection"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotateConnectionSecret: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RotateConnectionSecret"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SwitchedConnection"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    quarantineConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuarantineConnection"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    clearQuarantine: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuarantineConnection"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removeConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RemoveConnection"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovedConnection"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removePlugin: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RemovePlugin"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovedPlugin"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listTasks: {
        parameters: {
            query: {
                connectionId: string;
                wait?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionTasks"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    claimTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClaimTask"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClaimedTask"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    heartbeatTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TaskHeartbeat"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeldTask"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reportTaskOutcomes: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TaskOutcomes"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskStanding"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    takeTaskRecords: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TaskRecords"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskRecordsTaken"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    completeTask: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompleteTask"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskStanding"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    releaseTask: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReleaseTask"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskStanding"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    declareInbox: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewInbox"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeclaredSystem"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    declareRemote: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRemote"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeclaredSystem"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rebindConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RebindSystem"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeclaredSystem"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    redeclareConnection: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RedeclareSystem"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeclaredSystem"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readEvents: {
        parameters: {
            query?: {
                after?: string;
                types?: string;
                limit?: string;
                wait?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readConsentSnapshot: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentSnapshot"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    acknowledgeEvents: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcknowledgeEvents"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcknowledgedEvents"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listObeyingSystems: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObeyingSystems"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    declareObeyingSystem: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ObeyingSystemDeclaration"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObeyingSystem"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listWebhookEndpoints: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpoints"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookEndpointDefinition"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpoint"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookEndpointDefinition"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpoint"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removeWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovedWebhookEndpoint"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RotateWebhookSecret"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enableWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    disableWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointStatus"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    testWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedWebhookDelivery"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    searchWebhookDeliveries: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchWebhookDeliveries"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookDeliveries"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    redeliverWebhook: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedWebhookDelivery"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPropagations: {
        parameters: {
            query?: {
                state?: "late" | "waiting";
                cursor?: string;
                limit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwedPropagations"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readPropagation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropagationReport"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    printPropagation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": components["schemas"]["PropagationPage"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settlePropagation: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                position: string;
                systemId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettlePropagation"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettledPropagation"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    defineRetentionPolicy: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RetentionPolicyDefinition"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionPolicy"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listRetentionPolicies: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionPolicyList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    makeRetentionPlan: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRetentionPlan"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionPlan"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getRetentionPlan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionPlan"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    approveRetentionPlan: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApproveRetentionPlan"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionPlan"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listHolds: {
        parameters: {
            query?: {
                after?: string;
                released?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HoldList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    placeHold: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewHold"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlacedHold"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    releaseHold: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReleaseHold"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReleasedHold"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    openRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpenRequest"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    searchRequests: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchRequests"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestSummaryList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readRequest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Request"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sendVerificationCode: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendVerificationCode"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SentVerificationCode"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    identifySubject: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["IdentifySubject"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IdentifiedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readPlan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestPlan"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    makePlan: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MakePlan"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestPlan"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    excludeFromPlan: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExcludeFromPlan"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExcludedFromPlan"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    approveRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApproveRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApprovedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refuseRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefuseRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TurnedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    extendRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExtendRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TurnedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pauseRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PauseRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TurnedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resumeRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResumeRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TurnedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    withdrawRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WithdrawRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TurnedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reopenRequest: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReopenRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TurnedRequest"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listRequestTasks: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestTaskList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    completeRequestTask: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
                taskId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompleteRequestTask"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecidedRequestTarget"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryRequestTarget: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
                connectionId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecideRequestTarget"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecidedRequestTarget"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    handleRequestTargetManually: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
                connectionId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecideRequestTarget"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecidedRequestTarget"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    acceptRequestTarget: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
                connectionId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecideRequestTarget"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecidedRequestTarget"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAnswers: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnswerList"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    writeAnswer: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WriteAnswer"];
            };
        };
        responses: {
            /** @description Success */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WrittenAnswer"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    previewAnswer: {
        parameters: {
            query: {
                kind: "acknowledgement" | "identity-question" | "extension" | "refusal" | "partial-refusal" | "completion" | "withdrawn";
                format?: "html" | "text";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                    "text/plain": string;
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAnswer: {
        parameters: {
            query?: {
                format?: "html" | "text";
            };
            header?: never;
            path: {
                id: string;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                    "text/plain": string;
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getCertificate: {
        parameters: {
            query?: {
                version?: number;
                format?: "json" | "html";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Certificate"];
                    "text/html": components["schemas"]["Certificate"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getCertificateKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateKey"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPackage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": components["schemas"]["AccessPackage"];
                };
            };
            /** @description A problem document (RFC 9457); `code` is stable. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
