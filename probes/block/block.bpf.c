// SPDX-License-Identifier: MIT
/*
 * Requests of block devices, known by their address: it stays the same from issue to completion,
 * and a request that is issued once more (requeued) starts anew. Devices without requests of their
 * own (device mapper, RAID, zram) are seen by what they ask of others.
 */
#include "probes/block/block_impl.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* include/linux/blk_types.h: REQ_OP_MASK and enum req_op. */
static __always_inline u32 op_of(const struct request *rq)
{
	switch (rq->cmd_flags & 0xff) {
	case 0:
		return BLOCK_READ;
	case 1:
		return BLOCK_WRITE;
	case 2:
		return BLOCK_FLUSH;
	case 3:
		return BLOCK_DISCARD;
	default:
		return BLOCK_OTHER;
	}
}

static __always_inline u32 dev_of(const struct request *rq)
{
	const struct gendisk *disk = rq->q->disk;

	return disk ? (u32)disk->major << 20 | (u32)disk->first_minor : 0;
}

/* The request's address as a number: the verifier allows no arithmetic on the pointer itself. */
static __always_inline u64 key_of(void *ctx)
{
	u64 key = 0;

	bpf_probe_read_kernel(&key, sizeof(key), ctx);
	return key;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *rq)
{
	hit(BLOCK_ISSUE);
	block_issue(key_of(ctx), dev_of(rq), op_of(rq), rq->__data_len, true);
	return 0;
}

/* A request may be completed in parts: the last one counts. */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	struct block_inflight request = {};

	hit(BLOCK_COMPLETE);
	if (nr_bytes < rq->__data_len || is_echo(op_of(rq), nr_bytes))
		return 0;
	if (inflight_take(key_of(ctx), dev_of(rq), &request))
		block_done(&request, error);
	else
		block_done(NULL, error);
	return 0;
}
