#include "worker/golden/golden.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/network_schema.h"
#include "worker/golden/checks.h"

namespace reprise::golden {
namespace {

using Check = void (*)(const GoldenFile&, Comparisons&);

/// Kinds other than the networks' names.
const std::map<std::string, Check>& other_kinds() {
  static const std::map<std::string, Check> table = {
      {"unet", check_unet},           {"perceptual", check_perceptual},
      {"dice_loss", check_dice_loss}, {"vgg_loss", check_vgg_loss},
      {"wgan_gp", check_wgan},        {"metrics", check_metrics},
      {"bicubic", check_bicubic},     {"fid_inception", check_inception},
      {"pipeline", check_pipeline}};
  return table;
}

Check check_for(const GoldenFile& file) {
  const std::string& kind = file.text("kind");
  const auto other = other_kinds().find(kind);
  if (other != other_kinds().end()) return other->second;
  std::vector<std::string> names = sweep::network_names();
  if (std::find(names.begin(), names.end(), kind) != names.end()) {
    return file.has("out.losses") ? check_training : check_network;
  }
  for (const auto& [name, check] : other_kinds()) names.push_back(name);
  throw_invalid("unknown kind \"" + kind + "\"" + sweep::nearest_hint(kind, names));
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string shown(double value) {
  std::ostringstream out;
  out << std::setprecision(2) << value;
  return out.str();
}

}  // namespace

FileReport check_file(const std::filesystem::path& path) {
  FileReport report{.file = path.filename().string(), .kind = "?", .comparisons = {}, .reason = {}};
  try {
    const GoldenFile file(path);
    report.kind = file.text("kind");
    check_for(file)(file, report.comparisons);
    if (report.comparisons.all().empty()) report.reason = "holds nothing to compare with";
  } catch (const Error& error) {
    report.reason = error.what();
  } catch (const c10::Error& error) {
    report.reason = first_line(error.what_without_backtrace());
  } catch (const std::exception& error) {
    report.reason = first_line(error.what());
  }
  return report;
}

std::string to_line(const FileReport& report) {
  std::ostringstream out;
  out << (report.passed() ? "ok    " : "MISS  ") << std::left << std::setw(36) << report.file << ' '
      << std::setw(14) << report.kind << ' ';
  if (!report.reason.empty()) {
    out << report.reason;
    return out.str();
  }
  const auto& all = report.comparisons.all();
  const auto missed =
      std::count_if(all.begin(), all.end(), [](const auto& item) { return !item.passed(); });
  const Comparison& worst = report.comparisons.worst();
  if (missed > 0) out << missed << " of ";
  out << all.size() << " values" << (missed > 0 ? " differ" : "") << "; "
      << (missed > 0 ? "worst " : "nearest ") << worst.what << ": error " << shown(worst.error)
      << ", tolerance " << shown(worst.tolerance);
  return out.str();
}

bool check_folder(const std::filesystem::path& folder, std::ostream& out) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator item(folder, error), end; !error && item != end;
       item.increment(error)) {
    if (item->path().extension() == ".safetensors") files.push_back(item->path());
  }
  if (error) throw_invalid(folder.string() + ": " + error.message());
  if (files.empty()) throw_invalid(folder.string() + ": has no .safetensors files");
  std::sort(files.begin(), files.end());
  std::size_t passed = 0;
  for (const auto& path : files) {
    const FileReport report = check_file(path);
    passed += report.passed() ? 1U : 0U;
    out << to_line(report) << std::endl;  // Seen while the next one is computed.
  }
  out << passed << " of " << files.size() << " files agree";
  if (passed < files.size()) out << ", " << files.size() - passed << " do not";
  out << std::endl;
  return passed == files.size();
}

}  // namespace reprise::golden
