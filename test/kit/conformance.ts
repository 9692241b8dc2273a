import type { TestBackend } from './backend.ts';
import { commandTests } from './conformance/commands.ts';
import { faultTests } from './conformance/faults.ts';
import { identityTests } from './conformance/identities.ts';
import { readTests } from './conformance/reads.ts';
import { stateTests } from './conformance/states.ts';
import { describeServer } from './engines.ts';

/**
 * Registers the tests that every engine must pass, on real servers, through the built executable. What is peculiar to an
 * engine is tested beside its backend.
 */
export const conformance = (backend: TestBackend): void => {
  describeServer(backend.label, backend.unavailable, () => {
    commandTests(backend);
    readTests(backend);
    stateTests(backend);
    faultTests(backend);
    identityTests(backend);
  });
};
