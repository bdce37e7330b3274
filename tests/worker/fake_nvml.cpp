/// The functions of NVIDIA's management library that Reprise asks, with known answers.
#include <cstring>

extern "C" {
int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char* address, void** device) {
  static int the_device = 0;
  *device = &the_device;
  return std::strcmp(address, "0000:1b:00.0") == 0 ? 0 : 6;
}
int nvmlDeviceGetTotalEnergyConsumption(void* /*device*/, unsigned long long* millijoules) {
  static unsigned long long total = 0;
  *millijoules = total += 1500;
  return 0;
}
int nvmlDeviceGetUtilizationRates(void* /*device*/, unsigned int* rates) {
  rates[0] = 75;
  rates[1] = 10;
  return 0;
}
}
