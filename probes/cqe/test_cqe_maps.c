// SPDX-License-Identifier: MIT
/*
 * What the programs of `cqe` note for themselves belongs to a CPU, however many there are: machines
 * with more CPUs than HITS_CPUS are not at hand, so it is asked of the objects.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probes/cqe/cqe.h"

#include "probes/cqe.skel.h"
#include "probes/cqe_plain.skel.h"

static void check(struct bpf_object *obj)
{
	struct bpf_map *own = bpf_object__find_map_by_name(obj, "cpus");

	assert_non_null(own);
	assert_int_equal(bpf_map__type(own), BPF_MAP_TYPE_PERCPU_ARRAY);
	assert_int_equal(bpf_map__value_size(own), sizeof(struct cqe_cpu));
}

static void test_own_of_a_cpu(void **state)
{
	struct cqe_bpf *btf = cqe_bpf__open();
	struct cqe_plain_bpf *plain = cqe_plain_bpf__open();

	(void)state;
	assert_non_null(btf);
	assert_non_null(plain);
	check(btf->obj);
	check(plain->obj);
	cqe_bpf__destroy(btf);
	cqe_plain_bpf__destroy(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_own_of_a_cpu)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
