// SPDX-License-Identifier: MIT
/*
 * `block` on plain tracepoints, for kernels without BTF: events tell no address, so a request is
 * known by device, first sector and operation. Of two alike that are in flight together the last
 * one is taken to end first, which leaves their sum as it is. Layouts are checked before loading;
 * where `rwbs` stands differs between kernels.
 */
#define UHBENCH_NO_CORE
#include "probes/block/block_impl.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct issue_event {
	u64 common;
	u32 dev, pad;
	u64 sector;
	u32 sectors, bytes;
};

struct complete_event {
	u64 common;
	u32 dev, pad;
	u64 sector;
	u32 sectors;
	s32 error;
};

#define SECTOR_SHIFT 9

const volatile uint32_t issue_rwbs_at, complete_rwbs_at, requeue_rwbs_at;

/* kernel/trace/blktrace.c, blk_fill_rwbs: an F for a flush before it, the operation, then flags. */
static __always_inline u32 op_at(void *event, u32 at)
{
	char rwbs[2] = {};
	char c;

	bpf_probe_read_kernel(rwbs, sizeof(rwbs), (char *)event + at);
	c = rwbs[0];
	if (c == 'F' && (rwbs[1] == 'W' || rwbs[1] == 'R' || rwbs[1] == 'D' || rwbs[1] == 'N'))
		c = rwbs[1];
	switch (c) {
	case 'R':
		return BLOCK_READ;
	case 'W':
		return BLOCK_WRITE;
	case 'F':
		return BLOCK_FLUSH;
	case 'D':
		return BLOCK_DISCARD;
	default:
		return BLOCK_OTHER;
	}
}

/* Never 0 or KEY_BUSY. A flush is issued with sector 0 and completed with sector -1. */
static __always_inline u64 key_of(u64 sector, u32 op)
{
	return 1ull << 63 | (u64)op << 56 | (op == BLOCK_FLUSH ? 0 : sector);
}

SEC("tracepoint/block/block_rq_issue")
int block_rq_issue(struct issue_event *e)
{
	u32 op = op_at(e, issue_rwbs_at);

	hit(BLOCK_ISSUE);
	block_issue(key_of(e->sector, op), e->dev, op, e->bytes, false);
	return PASS_ON;
}

/* What is left of a request that was completed in part is known by another sector. */
SEC("tracepoint/block/block_rq_complete")
int block_rq_complete(struct complete_event *e)
{
	u32 op = op_at(e, complete_rwbs_at), bytes = e->sectors << SECTOR_SHIFT;
	struct block_inflight request = {};

	hit(BLOCK_COMPLETE);
	if (is_echo(op, bytes))
		return PASS_ON;
	if (!inflight_take(key_of(e->sector, op), e->dev, &request)) {
		block_done(NULL, e->error);
	} else if (op != BLOCK_OTHER && bytes < request.left) {
		request.left -= bytes;
		inflight_put(key_of(e->sector + e->sectors, op), &request, false);
	} else {
		block_done(&request, e->error);
	}
	return PASS_ON;
}

/* It will be issued once more. */
SEC("tracepoint/block/block_rq_requeue")
int block_rq_requeue(struct complete_event *e)
{
	struct block_inflight request = {};

	hit(BLOCK_REQUEUE);
	inflight_take(key_of(e->sector, op_at(e, requeue_rwbs_at)), e->dev, &request);
	return PASS_ON;
}
