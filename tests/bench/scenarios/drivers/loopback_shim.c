/* For servers that pass over loopback interfaces without an option to change it, such as Janus: preloaded, it shows
 * them 127.0.0.0/8 as an ordinary interface and every other one as down. Nothing of the machine is changed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

typedef int lister(struct ifaddrs **);

static int is_local(const struct sockaddr *address)
{
	if (!address || address->sa_family != AF_INET)
		return 0;
	return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int getifaddrs(struct ifaddrs **found)
{
	lister *original = (lister *)dlsym(RTLD_NEXT, "getifaddrs");
	int result = original(found);
	struct ifaddrs *one;

	for (one = result ? 0 : *found; one; one = one->ifa_next)
		one->ifa_flags &= is_local(one->ifa_addr) ? ~IFF_LOOPBACK : ~(IFF_UP | IFF_RUNNING);
	return result;
}
