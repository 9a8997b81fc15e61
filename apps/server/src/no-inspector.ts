/** The first import of every entry: SIGUSR1 would open Node's inspector, which runs what anybody on this machine sends it. */
// A plugin that shares the user may send the signal, and its walls do not keep it from a port of this machine.
process.on('SIGUSR1', () => undefined);
