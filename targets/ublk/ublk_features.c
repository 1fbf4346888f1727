// SPDX-License-Identifier: MIT
/*
 * Names of the driver's features, for messages and for the list of what a machine offers. A driver
 * newer than this build shows bits without a name: they are told by number, not dropped.
 */
#include "targets/ublk/ublk_features.h"

#include <stdio.h>

#include "targets/ublk/ublk_abi.h"

const struct ublk_feature ublk_features[] = {
	{UBLK_F_SUPPORT_ZERO_COPY, "zero-copy", "6.15"},
	{UBLK_F_URING_CMD_COMP_IN_TASK, "comp-in-task", "6.0"},
	{UBLK_F_NEED_GET_DATA, "need-get-data", "6.0"},
	{UBLK_F_USER_RECOVERY, "user-recovery", "6.1"},
	{UBLK_F_USER_RECOVERY_REISSUE, "user-recovery-reissue", "6.1"},
	{UBLK_F_UNPRIVILEGED_DEV, "unprivileged-dev", "6.3"},
	{UBLK_F_CMD_IOCTL_ENCODE, "cmd-ioctl-encode", "6.4"},
	{UBLK_F_USER_COPY, "user-copy", "6.5"},
	{UBLK_F_ZONED, "zoned", "6.6"},
	{UBLK_F_USER_RECOVERY_FAIL_IO, "user-recovery-fail-io", "6.13"},
	{UBLK_F_UPDATE_SIZE, "update-size", "6.16"},
	{UBLK_F_AUTO_BUF_REG, "auto-buf-reg", "6.16"},
	{UBLK_F_QUIESCE, "quiesce", "6.16"},
	{UBLK_F_PER_IO_DAEMON, "per-io-daemon", "6.16"},
	{UBLK_F_BUF_REG_OFF_DAEMON, "buf-reg-off-daemon", "6.17"},
	{0, NULL, NULL},
};

static const struct ublk_feature *feature_of(uint64_t bit)
{
	const struct ublk_feature *f = ublk_features;

	while (f->name && f->bit != bit)
		f++;
	return f->name ? f : NULL;
}

void ublk_features_text(uint64_t bits, int since, char *text, size_t size)
{
	size_t n = 0;

	text[0] = 0;
	for (unsigned i = 0; i < 64 && n < size; i++) {
		const struct ublk_feature *f = feature_of(1ull << i);
		const char *blank = n ? " " : "";

		if (!(bits >> i & 1))
			continue;
		if (!f)
			n += (size_t)snprintf(text + n, size - n, "%sbit-%u", blank, i);
		else if (since)
			n += (size_t)snprintf(text + n, size - n, "%s%s (%s)", blank, f->name,
					      f->since);
		else
			n += (size_t)snprintf(text + n, size - n, "%s%s", blank, f->name);
	}
}
