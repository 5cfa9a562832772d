/** What others would set on this machine, to be compared with: none of them looks at the demand. */
import type { Snapshot } from '../snapshot/types.ts';
import { defaultMax, pointerBytes, releaseOf } from './kernel.ts';
import type { Recommendation } from './schema.ts';

/** kube-proxy, `--conntrack-max-per-core` and `--conntrack-min` (pkg/proxy/apis/config/v1alpha1/defaults.go), and its later cap. */
const KUBE_PROXY = { perCore: 32_768, least: 131_072, most: 1_048_576 };

/** The TCP timeouts that kube-proxy sets when it starts, unless told otherwise: 24 h and 1 h (the same file). */
export const KUBE_PROXY_TIMEOUTS: Readonly<Record<string, number>> = {
  tcp_timeout_established: 86_400,
  tcp_timeout_close_wait: 3600,
};

/** A rule that guides repeat: RAM ÷ 16 384, halved on 64 bits; it is the default of kernels up to 5.14 without their upper bound. */
const RAM_DIVISOR = 16_384;

/** Limits, each where what it is made of was captured. */
export function othersOf(snapshot: Snapshot): Recommendation['others'] {
  const release = releaseOf(snapshot);
  const ram = snapshot.meminfo.MemTotal?.value;
  const pointer = pointerBytes(snapshot.host.machine?.value);
  const cpus = snapshot.host.cpus?.value;
  const { perCore, least, most } = KUBE_PROXY;
  return {
    ...(release !== undefined &&
      ram !== undefined &&
      pointer !== undefined && { kernelDefault: defaultMax(release, ram, pointer) }),
    ...(ram !== undefined && pointer !== undefined && { ramRule: Math.floor(ram / RAM_DIVISOR / (pointer / 4)) }),
    ...(cpus !== undefined && { kubeProxy: Math.min(most, Math.max(least, perCore * cpus)) }),
  };
}
