// SPDX-License-Identifier: MIT
/*
 * What this machine's ublk driver offers, found out by asking it. What it claims is not all granted
 * (zero copy before Linux 6.15), so a claim that is known to be empty is not passed on.
 */
#include "targets/ublk/ublk_offers.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "targets/ublk/ublk_ctl.h"
#include "targets/ublk/ublk_features.h"

#define TEXT_MAX (ERR_MAX + 256)

/* Whether the driver lies ready as a module of the running kernel. */
static bool module_exists(const char *release)
{
	static const char *const endings[] = {"", ".xz", ".zst", ".gz"};
	char path[512];

	for (size_t i = 0; i < array_size(endings); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/kernel/drivers/block/ublk_drv.ko%s",
			 release, endings[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

static void say_missing(offer_fn say, void *arg, const char *why, const char *release)
{
	struct offer driver = {.name = "ublk driver",
			       .text = why,
			       .cost = "the target ublk ends as unsupported here"};

	if (!access(UBLK_CONTROL, F_OK))
		driver.remedy = "run as root";
	else if (module_exists(release))
		driver.remedy = "modprobe ublk_drv";
	else
		driver.remedy = "uhbench vm boots a kernel that has it, anywhere; or a kernel with "
				"CONFIG_BLK_DEV_UBLK, 6.0 or newer (Debian: linux-image-amd64 from "
				"bookworm-backports)";
	say(arg, &driver);
}

/* Drivers before 6.15 show the bit of zero copy to everybody and give it to nobody. Making a device
 * would tell for sure, but who looks must not change the machine. */
static uint64_t believable(const char *release, uint64_t features)
{
	unsigned major = 0, minor = 0;

	if (sscanf(release, "%u.%u", &major, &minor) == 2 &&
	    (major > 6 || (major == 6 && minor >= 15)))
		return features;
	return features & ~UBLK_F_SUPPORT_ZERO_COPY;
}

static void say_features(offer_fn say, void *arg, uint64_t features)
{
	struct offer there = {.name = "ublk features", .there = true};
	struct offer missing = {.name = "ublk features",
				.cost = "targets that ask for these end as unsupported",
				.remedy = "boot a kernel at least as new as named in brackets"};
	char text[TEXT_MAX];
	uint64_t known = 0;

	for (const struct ublk_feature *f = ublk_features; f->name; f++)
		known |= f->bit;
	ublk_features_text(features, false, text, sizeof(text));
	there.text = text;
	say(arg, &there);
	ublk_features_text(known & ~features, true, text, sizeof(text));
	missing.text = text;
	if (*text)
		say(arg, &missing);
}

void ublk_offers(offer_fn say, void *arg)
{
	struct offer driver = {.name = "ublk driver", .there = true};
	struct ublk_ctl *ctl = NULL;
	char text[TEXT_MAX];
	uint64_t features;
	struct utsname u;
	struct err err;
	int asked;

	uname(&u);
	if (ublk_ctl_open(UBLK_ENCODING_AUTO, &ctl, &err)) {
		say_missing(say, arg, err.text, u.release);
		return;
	}
	asked = ublk_ctl_features(ctl, &features, &err);
	snprintf(text, sizeof(text), "that of Linux %s, %s encoding of commands%s%s", u.release,
		 ublk_ctl_encoding(ctl) == UBLK_ENCODING_LEGACY ? "legacy" : "ioctl",
		 asked ? "; " : "", asked ? err.text : "");
	driver.text = text;
	say(arg, &driver);
	if (!asked)
		say_features(say, arg, believable(u.release, features));
	ublk_ctl_close(ctl);
}
