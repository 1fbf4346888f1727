// SPDX-License-Identifier: MIT
/*
 * A file of /proc/net belongs to the namespace of the thread that opened it, so it is opened once
 * and read again from its beginning.
 */
#include "workloads/udp_snmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

#define PATH "/proc/thread-self/net/snmp"

struct udp_snmp {
	int fd;
	char text[8192]; /* about 1.5 KiB are used by Linux 6.18 */
};

int udp_snmp_open(struct udp_snmp **ret, struct err *err)
{
	struct udp_snmp *s = calloc(1, sizeof(*s));

	if (!s)
		return err_sys(err, -ENOMEM, PATH);
	s->fd = open(PATH, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0) {
		int code = -errno;

		free(s);
		return err_sys(err, code, PATH);
	}
	*ret = s;
	return 0;
}

void udp_snmp_close(struct udp_snmp *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}

/* The line after `line`, or NULL. */
static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

int udp_snmp_parse(const char *text, const char *counter, uint64_t *ret)
{
	const char *names = text, *values;
	size_t len = strlen(counter);

	while (names && strncmp(names, "Udp: ", 5))
		names = next_line(names);
	values = names ? next_line(names) : NULL;
	if (!values || strncmp(values, "Udp: ", 5))
		return -EBADMSG;
	for (names += 5, values += 5; names && values; names++, values++) {
		if (!strncmp(names, counter, len) && strchr(" \n", names[len]))
			return sscanf(values, "%lu", ret) == 1 ? 0 : -EBADMSG;
		names = strpbrk(names, " \n");
		values = strpbrk(values, " \n");
		if (!names || !values || *names == '\n')
			break;
	}
	return -EBADMSG;
}

int udp_snmp_read(struct udp_snmp *s, const char *counter, uint64_t *ret, struct err *err)
{
	ssize_t n = pread(s->fd, s->text, sizeof(s->text) - 1, 0);

	if (n < 0)
		return err_sys(err, -errno, PATH);
	s->text[n] = 0;
	if (udp_snmp_parse(s->text, counter, ret))
		return err_set(err, -EBADMSG, PATH " has no Udp counter %s", counter);
	return 0;
}
