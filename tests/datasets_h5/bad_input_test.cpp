/// What people's folders really look like: each fault is an error that names file and reason, and
/// leaves nothing behind.

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>

#include "datasets_h5/importer.h"
#include "datasets_h5/phantom.h"
#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

namespace fs = std::filesystem;

/// A BraTS tree of two small subjects, one of which a test then spoils.
class BadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    write_phantom(root, {.kind = "tumour", .subjects = 2, .size = {48, 48, 4}, .seed = 1});
    options.slicing.size = {32, 32};
    options.split.method = "all-train";
  }
  ImportReport import() { return import_folder("brats", root, options, folder / "out/out.h5"); }
  void refuse(ErrorCode code, const std::string& file, const std::string& reason) {
    expect_error(code, file, [&] { import(); });
    expect_error(code, reason, [&] { import(); });
    const bool empty = !fs::exists(folder / "out") || fs::is_empty(folder / "out");
    EXPECT_TRUE(empty) << "something was left behind";
  }
  [[nodiscard]] fs::path file(const std::string& suffix) const {
    return root / "HGG/RPS_0001" / ("RPS_0001_" + suffix + ".nii.gz");
  }
  /// Rewrites a volume after a change.
  void change(const std::string& suffix, const std::function<void(Volume&)>& edit) const {
    Volume volume = read_volume(file(suffix));
    edit(volume);
    write_nifti(file(suffix), volume);
  }

  TempFolder folder;
  fs::path root = folder / "brats";
  ImportOptions options = reader("brats").options;
};

TEST_F(BadInput, WholeTreeImports) {
  EXPECT_EQ(import().train_subjects, 2);
  EXPECT_EQ(info(folder / "out/out.h5").subjects[0].id, "HGG_RPS_0001");
}

TEST_F(BadInput, MissingModality) {
  fs::remove(file("t2"));
  refuse(ErrorCode::InvalidInput, "RPS_0001", "no *_t2 volume");
}

TEST_F(BadInput, TwoVolumesForOneModality) {
  fs::copy(file("t2"), root / "HGG/RPS_0001/copy_t2.nii.gz");
  refuse(ErrorCode::InvalidInput, "RPS_0001", "more than one *_t2 volume");
}

TEST_F(BadInput, TruncatedAndFlippedGzip) {
  const std::string bytes = read_bytes(file("flair"));
  write_bytes(file("flair"), bytes.substr(0, bytes.size() / 2));
  refuse(ErrorCode::Corrupt, "RPS_0001_flair", "damaged or truncated gzip");
  std::string flipped = bytes;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 16);
  write_bytes(file("flair"), flipped);
  refuse(ErrorCode::Corrupt, "RPS_0001_flair", "RPS_0001_flair");
}

TEST_F(BadInput, LabelValueOutsideTheMap) {
  change("seg", [](Volume& volume) { volume.values[100] = 7; });
  refuse(ErrorCode::InvalidInput, "RPS_0001_seg", "label value 7 has no name");
}

TEST_F(BadInput, LabelShapeDiffers) {
  change("seg", [](Volume& volume) {
    volume.dims[2] = 3;
    volume.values.resize(volume.voxels());
  });
  refuse(ErrorCode::InvalidInput, "RPS_0001_seg", "shape [48, 48, 3] differs");
}

TEST_F(BadInput, LabelIsFlipped) {
  change("seg", [](Volume& volume) { volume.orientation = "RPS"; });
  refuse(ErrorCode::InvalidInput, "RPS_0001_seg", "axes point RPS");
}

TEST_F(BadInput, SubjectsTurnedOtherwiseAreReportedOrRefused) {
  for (const char* suffix : {"t1ce", "t1", "t2", "flair", "seg"}) {
    change(suffix, [](Volume& volume) { volume.orientation = "RAS"; });
  }
  EXPECT_EQ(import().orientations.size(), 2U);
  fs::remove_all(folder / "out");
  options.allow_mixed_orientation = false;
  refuse(ErrorCode::InvalidInput, "RPS_0002", "axes point LPS");
}

TEST_F(BadInput, ShearedGrid) {
  write_nifti(folder / "plain.nii", read_volume(file("t1")));
  std::string bytes = read_bytes(folder / "plain.nii");
  const float shear = 0.5F;  // srow_x[1]
  std::memcpy(&bytes[284], &shear, sizeof(shear));
  fs::remove(file("t1"));
  write_bytes(root / "HGG/RPS_0001/RPS_0001_t1.nii", bytes);
  refuse(ErrorCode::InvalidInput, "RPS_0001_t1.nii", "not at right angles");
}

TEST_F(BadInput, NothingLeftOfASubject) {
  change("seg",
         [](Volume& volume) { std::fill(volume.values.begin(), volume.values.end(), 0.0F); });
  refuse(ErrorCode::InvalidInput, "RPS_0001", "no slice is left");
}

TEST_F(BadInput, EmptyFilesAndFolders) {
  write_bytes(file("t1"), "");
  refuse(ErrorCode::Corrupt, "RPS_0001_t1", "shorter than a NIfTI-1 header");
  fs::remove_all(root);
  refuse(ErrorCode::InvalidInput, "brats", "no such folder");
  fs::create_directories(root / "HGG");
  refuse(ErrorCode::InvalidInput, "brats", "not a BraTS tree");
}

TEST_F(BadInput, LoopsOfLinks) {
  fs::create_directory_symlink(root, root / "LGG_again");
  refuse(ErrorCode::InvalidInput, "LGG_again", "loop of symbolic links");
  fs::remove(root / "LGG_again");
  fs::create_symlink("b", root / "a");
  fs::create_symlink("a", root / "b");
  refuse(ErrorCode::InvalidInput, (root / "a").string(), "loop of symbolic links");
}

TEST_F(BadInput, LinkedSubjectsAreFollowed) {
  fs::rename(root / "HGG/RPS_0001", folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", root / "HGG/RPS_0001");
  EXPECT_EQ(import().train_subjects, 2);
}

TEST_F(BadInput, NotANumber) {
  // Only integer volumes are written, so the type and a voxel are changed by hand.
  std::string bytes(352, '\0');
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(&bytes[at], &value, sizeof(value));
  };
  put(0, std::int32_t{348});
  for (std::size_t i = 0; i < 8; ++i) put(40 + 2 * i, std::int16_t{1});
  put(40, std::int16_t{3});
  put(42, std::int16_t{2});
  put(70, std::int16_t{16});
  put(72, std::int16_t{32});
  put(108, 352.0F);
  bytes.replace(344, 3, "n+1");
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    std::string voxels(8, '\0');
    std::memcpy(&voxels[4], &bad, sizeof(bad));
    write_bytes(folder / "bad.nii", bytes + voxels);
    expect_error(ErrorCode::InvalidInput, "bad.nii: voxel (1, 0, 0) is",
                 [&] { read_volume(folder / "bad.nii"); });
  }
}

TEST_F(BadInput, HeaderThatClaimsTheWorld) {
  // 8192 x 8192 x 63 voxels in a file of a few bytes: refused before anything is allocated.
  std::string bytes(400, '\0');
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(&bytes[at], &value, sizeof(value));
  };
  put(0, std::int32_t{348});
  const std::int16_t dims[] = {3, 8192, 8192, 63, 1, 1, 1, 1};
  std::memcpy(&bytes[40], dims, sizeof(dims));
  put(70, std::int16_t{4});
  put(72, std::int16_t{16});
  put(108, 352.0F);
  bytes.replace(344, 3, "n+1");
  write_bytes(folder / "claims.nii", bytes);
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  expect_error(ErrorCode::Corrupt, "header needs", [&] { read_volume(folder / "claims.nii"); });
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 << 10) << "KiB";
}

TEST_F(BadInput, ATargetThatIsAFolder) {
  fs::create_directories(folder / "out/out.h5/x");
  EXPECT_THROW(import(), Error);
  EXPECT_TRUE(fs::exists(folder / "out/out.h5/x"));
  fs::remove_all(folder / "out/out.h5");
  EXPECT_TRUE(fs::is_empty(folder / "out")) << "a temporary file was left";
}

TEST_F(BadInput, KilledImportsLeaveTheFileThatWasThere) {
  const std::string digest = import().digest;
  const std::string before = read_bytes(folder / "out/out.h5");
  write_phantom(root, {.kind = "tumour", .subjects = 3, .size = {48, 48, 4}, .seed = 2});
  const auto import_until = [this](int subject) {
    options.progress = [subject](int done, int) {
      if (done == subject) std::raise(SIGKILL);
    };
    import();
  };
  for (const int subject : {1, 3}) {
    EXPECT_EXIT(import_until(subject), ::testing::KilledBySignal(SIGKILL), "");
    EXPECT_EQ(read_bytes(folder / "out/out.h5"), before);
  }
  EXPECT_NE(import().digest, digest);
  verify(folder / "out/out.h5");
}

TEST_F(BadInput, NoSpaceLeft) {
  // A limit on the size of files fails writes as a full disk does, in a child of its own.
  const auto import_on_a_full_disk = [this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      import();
      std::_Exit(1);
    } catch (const Error& error) {
      const bool named = std::string(error.what()).find("out.h5") != std::string::npos;
      const bool clean = fs::is_empty(folder / "out");
      std::_Exit(named && clean && error.code() != ErrorCode::Corrupt ? 42 : 2);
    }
  };
  EXPECT_EXIT(import_on_a_full_disk(), ::testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace reprise::datasets::testing
