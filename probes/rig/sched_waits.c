// SPDX-License-Identifier: MIT
/*
 * For tests: a thread that waits COUNT times for MS milliseconds in every way that has a class of
 * its own.
 *
 *   sched_waits COUNT MS FILE
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static int count;
static struct timespec wait_for;
static int pipe_fds[2];

static void *feed_pipe(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "sink/feeder");
	for (int i = 0; i < count; i++) {
		nanosleep(&wait_for, NULL);
		if (write(pipe_fds[1], "", 1) != 1)
			abort();
	}
	return NULL;
}

static void wait_pipe(void)
{
	pthread_t feeder;
	char byte;

	if (pipe(pipe_fds) || pthread_create(&feeder, NULL, feed_pipe, NULL))
		abort();
	for (int i = 0; i < count; i++)
		if (read(pipe_fds[0], &byte, 1) != 1)
			abort();
	pthread_join(feeder, NULL);
}

static void wait_socket(void)
{
	struct timeval limit = {.tv_usec = wait_for.tv_nsec / 1000};
	char byte;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) ||
	    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		abort();
	for (int i = 0; i < count; i++) /* by turns: a socket's own call, and one for any file */
		if ((i % 2 ? recv(fds[0], &byte, 1, 0) : read(fds[0], &byte, 1)) >= 0)
			abort();
}

static void wait_ring(void)
{
	struct io_uring_params params = {.flags = 0};
	struct __kernel_timespec limit = {.tv_nsec = wait_for.tv_nsec};
	struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)&limit};
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (ring < 0)
		abort();
	for (int i = 0; i < count; i++)
		syscall(SYS_io_uring_enter, ring, 0, 1,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
}

static void wait_disk(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	static char page[PAGE];

	for (int i = 0; i < count; i++)
		if (write(fd, page, PAGE) != PAGE || fdatasync(fd))
			abort();
	close(fd);
}

int main(int argc, char **argv)
{
	uint32_t word = 0;

	if (argc != 4)
		return 2;
	count = atoi(argv[1]);
	wait_for.tv_nsec = atoi(argv[2]) * 1000000;
	prctl(PR_SET_NAME, "driver/waits");
	for (int i = 0; i < count; i++) {
		nanosleep(&wait_for, NULL);
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &wait_for, NULL, 0);
		poll(NULL, 0, (int)(wait_for.tv_nsec / 1000000));
	}
	wait_pipe();
	wait_socket();
	wait_ring();
	wait_disk(argv[3]);
	return 0;
}
