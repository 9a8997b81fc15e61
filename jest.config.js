/** Jest as ESM on the sources: no build is needed to test. Integration specs share one embedded PostgreSQL. */
import { availableParallelism } from 'node:os';

export default {
  rootDir: import.meta.dirname ?? process.cwd(),
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: { '^#([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts', '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  modulePathIgnorePatterns: ['/dist/', '/\\.data/'],
  testMatch: ['<rootDir>/{apps,libs,plugins,test}/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/systems/'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  // Many specs wait for processes and databases rather than compute: one worker more than processors, but no crowd about
  // the shared cluster.
  maxWorkers: Math.max(2, Math.min(4, availableParallelism() + 1)),
  // ES modules of past specs are never freed: a worker that holds this much begins anew, which also spares it the sweeping.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 120_000,
};
