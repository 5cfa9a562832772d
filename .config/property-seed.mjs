// Property tests try the same inputs in every run, so that none fails for what nobody changed; PROPERTY_SEED tries others.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });
