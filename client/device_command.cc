#include "client/capability_view.h"
#include "client/commands.h"
#include "client/device_view.h"
#include "client/exit_codes.h"

namespace laptime::client {
namespace {

int PrintDevice(Session& session, const absl::StatusOr<v1::GetDeviceResponse>& device) {
  if (!device.ok()) return session.Fail(device.status());
  const auto page = [&device](bool, bool) { return DevicePage(*device); };
  return session.Print({&*device, "", DeviceGrid(device->device()), page});
}

int Update(Session& session, const v1::UpdateDeviceRequest& request) {
  return PrintDevice(session, session.Call(&Session::Stub::UpdateDevice, request));
}

int SetDrained(Session& session, const std::string& id, bool drained) {
  v1::UpdateDeviceRequest request;
  request.set_id(id);
  request.set_drained(drained);
  return Update(session, request);
}

}  // namespace

int RunDeviceList(Session& session, const DeviceListOptions& options) {
  v1::ListDevicesRequest request;
  for (const std::string& selector : options.selectors) request.add_selectors(selector);
  const auto devices = session.Call(&Session::Stub::ListDevices, request);
  if (!devices.ok()) return session.Fail(devices.status());
  if (devices->devices().empty()) {
    session.Say("no devices; `laptime up` or `laptime-agent run` attaches this machine's");
  }
  return session.Print({&*devices, "devices", DeviceGrid(devices->devices()), nullptr});
}

int RunDeviceShow(Session& session, const IdOptions& options) {
  v1::GetDeviceRequest request;
  request.set_id(options.id);
  return PrintDevice(session, session.Call(&Session::Stub::GetDevice, request));
}

int RunDeviceCapabilities(Session& session, const DeviceListOptions& options) {
  v1::ListCapabilitiesRequest request;
  for (const std::string& selector : options.selectors) request.add_selectors(selector);
  const auto probed = session.Call(&Session::Stub::ListCapabilities, request);
  if (!probed.ok()) return session.Fail(probed.status());
  if (probed->devices().empty())
    session.Say("no device was probed; `laptime-agent probe` on its host takes a minute for each");
  const auto page = [&probed](bool, bool color) { return CapabilityPage(*probed, color); };
  return session.Print({&*probed, "devices", CapabilityGrid(*probed), page});
}

int RunDeviceDrain(Session& session, const IdOptions& options) {
  return SetDrained(session, options.id, true);
}

int RunDeviceResume(Session& session, const IdOptions& options) {
  return SetDrained(session, options.id, false);
}

int RunDeviceRename(Session& session, const DeviceRenameOptions& options) {
  v1::UpdateDeviceRequest request;
  request.set_id(options.id);
  request.set_new_name(options.new_name);
  return Update(session, request);
}

int RunDeviceRemove(Session& session, const IdOptions& options) {
  if (!session.Confirm("take " + options.id +
                       " away? Its certificates are revoked; its results stay")) {
    return kExitFailure;
  }
  v1::RemoveHostRequest request;
  request.set_host(options.id);
  const auto removed = session.Call(&Session::Stub::RemoveHost, request);
  if (!removed.ok()) return session.Fail(removed.status());
  session.Say("host " + removed->host() + " was removed, certificates revoked: " +
              std::to_string(removed->certificates_revoked()) +
              "; `laptime-agent join` brings it back");
  return kExitOk;
}

}  // namespace laptime::client
