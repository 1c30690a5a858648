/** A control group with a limit, in which processes of backends run. */
export interface ControlGroup {
  /** Its folder: `/sys/fs/cgroup/system.slice/shop.service`. */
  readonly folder: string;
  /** Workers and masters of backends in it, and in groups below it. */
  readonly pids: readonly number[];
  readonly memory?: {
    readonly limitBytes: number;
    /** Charged to the group now. */
    readonly usedBytes: number;
    /** Of this, files in memory that nobody used lately: the kernel gives them up first. */
    readonly reclaimableBytes: number;
    /** `file:/sys/fs/cgroup/memory/shop/memory.limit_in_bytes`. */
    readonly source: string;
  };
  /** Processors that it may use at most: `1.5`. */
  readonly cpus?: number;
}
